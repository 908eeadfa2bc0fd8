"""Words of mail hosts in other languages than English, by what they speak of.

Each row is a language: words about us, about the mailbox's condition, words that say "unknown recipient". What hosts
send was taken from the texts in tests/providers/sdk/texts; the rest is what postmasters of the language write for the
same (2026). A language that joins its words has patterns without word borders.
"""

from typing import Final, NamedTuple

from app.providers.sdk.bounces.pattern import Pattern, phrases


class Words(NamedTuple):
    """One language's words about us, about a mailbox's condition, and about a recipient that is unknown."""

    us: str
    condition: str
    unknown: str


SPACED: Final[dict[str, Words]] = {
    "German": Words(
        r"absender\w*|spamver\w+|sperrliste|schwarze liste|gesperrte ip|richtlinie\w*|abgelehnt wegen|unerwünscht\w*"
        r"|zu viele",
        r"(?:postfach|mailbox|\w{0,12}konto|briefkasten)(?: [^ ]{1,20}){0,4} (?:voll|überfüllt|gesperrt|deaktiviert"
        r"|inaktiv)"
        r"|(?:speicher\w*|kontingent|quota)(?: [^ ]{1,20}){0,2} (?:überschritten|ueberschritten|erschöpft|belegt|voll)"
        r"|zuviele mails|(?:nachricht|mail) (?:ist )?zu groß",
        r"(?:unbekannte[rsn]?|ungültige[rsn]?|kein(?:e|en)?|nicht existierende[rn]?) (?:solche[rn]? )?"
        r"(?:benutzer|nutzer|empf(?:ä|ae)nger\w*|\w{0,8}adresse|postfach|mailbox|teilnehmer|user|e ?mail adresse"
        r"|konto)"
        r"|(?:benutzer|nutzer|empf(?:ä|ae)nger\w*|\w{0,14}adress(?:e|at)|postfach|mailbox|konto|teilnehmer|user)"
        r"(?: @| ist| wurde| dieses namens| hier){0,3} "
        r"(?:unbekannt|nicht bekannt|nicht gefunden|nicht vorhanden|existiert (?:hier |leider )?nicht|ungültig"
        r"|gibt es nicht)",
    ),
    "French": Words(
        r"expediteur|emetteur|adresse ip|ip source|liste noire|refuse[er]?|rejete|trop de|authentification|politique",
        r"(?:bo[iî]te|compte|messagerie|adresse|utilisateur|destinataire)(?: [^ ]{1,20}){0,4} "
        r"(?:pleine?|saturee?|archivee?|desactivee?|bloquee?|suspendue?|inactive?)|quota (?:[^ ]{1,20} ){0,2}depasse"
        r"|(?:message|courriel) trop (?:volumineux|grand|gros)",
        r"(?:utilisateur|destinataire|adresse|compte|bo[iî]te(?: aux lettres| mail)?|usager|abonne|correspondant)"
        r"(?: @| e ?mail| electronique| du destinataire| de destination| destinataire| mail"
        r"| d au moins un destinataire| est){0,3} "
        r"(?:inconnue?|invalide|inexistante?|introuvable|non trouvee?|n'existe (?:pas|plus)|n existe (?:pas|plus))"
        r"|aucune? (?:utilisateur|compte|destinataire|boite|adresse)",
    ),
    "Spanish": Words(
        r"remitente|emisor|correo no deseado|lista negra|bloquead[oa] por|reputacion|politica\w*|demasiados"
        r"|autenticacion",
        r"(?:buzon|cuenta|casilla|usuario|bandeja|destinatario)(?: [^ ]{1,20}){0,4} "
        r"(?:llen[oa]|desactivad[oa]|deshabilitad[oa]|suspendid[oa]|bloquead[oa]|inactiv[oa])"
        r"|(?:cuota|quota|espacio|capacidad)(?: [^ ]{1,20}){0,2} (?:excedid[oa]|superad[oa]|agotad[oa]|llen[oa]"
        r"|insuficiente)",
        r"(?:usuario|destinatario|direccion(?: de correo)?|cuenta(?: de correo)?|buzon|casilla|receptor)"
        r"(?: @| de correo| electronico| destino| es){0,3} "
        r"(?:desconocid[oa]|inexistente|no (?:existe|existente|encontrad[oa]|valid[oa]|reconocid[oa])|invalid[oa])"
        r"|no (?:existe|se encuentra|se encontro) (?:el|la|ese|esa|dicha|dicho|este|un|ningun) "
        r"(?:usuario|persona|cuenta|buzon|destinatario|direccion|casilla)|(?:usuario"
        r"|destinatario) no (?:se )?encontrado",
    ),
    "Portuguese": Words(
        r"remetente|lista negra|bloquead[oa] por|reputacao|politica\w*|muitos|autenticacao",
        r"(?:caixa|conta|usuario|utilizador|destinatario|mailbox)(?: [^ ]{1,20}){0,4} "
        r"(?:chei[oa]|lotad[oa]|desativad[oa]|suspens[oa]|bloquead[oa]|inativ[oa])"
        r"|(?:cota|quota|espaco)(?: [^ ]{1,20}){0,2} (?:excedid[oa]|esgotad[oa]|ultrapassad[oa])",
        r"(?:usuario|utilizador|destinatario|endereco|conta|caixa(?: postal| de correio)?)(?: @| de e ?mail| e){0,3} "
        r"(?:desconhecid[oa]|inexistente|nao (?:existe|existente|encontrad[oa]|localizad[oa]|cadastrad[oa])"
        r"|invalid[oa])"
        r"|nao existe (?:o|a|esse|este|um) (?:usuario|utilizador|destinatario|endereco|conta)",
    ),
    "Italian": Words(
        r"mittente|lista nera|bloccat[oa] da|reputazione|politica\w*|troppi|autenticazione|indesiderat[oa]",
        r"(?:casella|account|utente|mailbox|destinatario)(?: [^ ]{1,20}){0,4} "
        r"(?:pien[oa]|disabilitat[oa]|disattivat[oa]|disatttivata|sospes[oa]|bloccat[oa]|inattiv[oa])"
        r"|(?:quota|spazio)(?: [^ ]{1,20}){0,2} (?:superat[oa]|esaurit[oa])",
        r"(?:utente|destin\w*|indirizzo|casella(?: di posta| postale)?|account)(?: @| e ?mail| e){0,3}(?: \.)? "
        r"(?:sconosciut[oa]|inesistente|errat[oa]|non (?:esiste|esistente|trovat[oa]|valid[oa]|presente))"
        r"|nessun utente|(?:utente|casella) non (?:e )?(?:stat[oa] )?trovat[oa]",
    ),
    "Dutch": Words(
        r"afzender|zwarte lijst|geblokkeerd door|beleid|te veel",
        r"(?:postvak|mailbox|account|postbus)(?: [^ ]{1,20}){0,4} (?:vol|geblokkeerd|uitgeschakeld|inactief)"
        r"|quotum overschreden",
        r"(?:onbekende|ongeldige|geen) (?:gebruiker|ontvanger|geadresseerde|adres|mailbox)"
        r"|(?:gebruiker|ontvanger|geadresseerde|adres|e ?mailadres|mailbox|postvak)(?: @| is){0,2} "
        r"(?:onbekend|bestaat niet|niet gevonden|ongeldig|niet bekend)",
    ),
    "Polish": Words(
        r"nadawc\w+|spamu|czarn\w+ lis[tc]\w+|polityk\w+|zbyt wiele|uwierzytelni\w+",
        r"(?:skrzynka|konto|uzytkownik|adres)(?: [^ ]{1,20}){0,4} "
        r"(?:pelna|przepelnion[ae]|zablokowan[aey]|nieaktywn[aey]|wylaczon[aey]|zawieszon[aey])"
        r"|przekroczon[aoy] (?:limit|quota|pojemnosc)|brak miejsca",
        r"(?:nieznany|nieprawidlowy|bledny|nieistniejacy) (?:uzytkownik|odbiorca|adresat|adres)"
        r"|(?:uzytkownik|odbiorca|adresat|adres|konto|skrzynka)(?: @| pocztow[aey]| email| o takiej nazwie){0,2} "
        r"(?:nie istnieje|nieznan[aey]|nie znalezion[aoy]|nie zosta\w+ znalezion[aey]|nie odnaleziono)"
        r"|nie znaleziono (?:uzytkownika|adresata|odbiorcy|konta|adresu|skrzynki)|(?:nie ma"
        r"|brak) takiego (?:uzytkownika|adresata|odbiorcy|konta|adresu)|brak (?:uzytkownika|skrzynki)"
        r"|nie istnieje",
    ),
    "Czech, Slovak, Slovenian, Croatian": Words(
        r"odesilatel\w*|odosielatel\w*|posiljatel\w*",
        r"(?:schranka|ucet|konto|predal|sanducic)(?: [^ ]{1,20}){0,3} (?:plna|plny|pun|poln|zablokovan\w|neaktivni)",
        r"(?:neznamy|neplatny|neexistujici|nepoznat|neznan) (?:uzivatel|pouzivatel|prijemce|prijemca|adresat|korisnik"
        r"|uporabnik"
        r"|prejemnik)"
        r"|(?:uzivatel|pouzivatel|prijemce|prijemca|schranka|adresa|adresat|korisnik|uporabnik|prejemnik|ucet)(?: @)? "
        r"(?:neexistuje|nenalezen\w?|nebyl nalezen|ne postoji|ne obstaja|nepoznat|neznamy)",
    ),
    "Swedish, Danish, Norwegian": Words(
        r"avsandare\w*|afsender\w*|avsender\w*|skrappost|svartlist\w+|svartelist\w+|sortlist\w+",
        r"(?:brevladan?|inkorgen?|postkassen?|postboksen?|kontot?|kontoen|mailboksen?)(?: [^ ]{1,20}){0,3} "
        r"(?:full|fuld|sparra[dt]|inaktiv\w*|deaktivere[dt])",
        r"(?:okand|ukendt|ukjent|ogiltig|ugyldig) (?:anvandare|mottagare|adress|bruger|modtager|adresse|bruker"
        r"|mottaker)"
        r"|(?:anvandaren?|mottagaren?|adressen?|brevladan?|brugeren?|modtageren?|brukeren?|mottakeren?|postkassen?"
        r"|kontoen)"
        r"(?: @)? (?:finns (?:inte|ej)|existerar inte|hittades inte|findes ikke|finnes ikke|eksisterer ikke|"
        r"(?:ar |er )?(?:okand|ukendt|ukjent)|blev ikke fundet|ble ikke funnet)",
    ),
    "Finnish, Estonian, Hungarian": Words(
        r"lahettaja\w*|saatja|felado\w*|roskaposti\w*",
        r"postilaatikko on (?:taynna|suljettu)|postkast on tais|(?:postafiok"
        r"|postalada)(?: [^ ]{1,20}){0,2} (?:megtelt|tele)",
        r"(?:tuntematon|tundmatu|ismeretlen) (?:kayttaja|vastaanottaja|kasutaja|saaja|felhasznalo|cimzett)"
        r"|(?:kayttajaa|vastaanottajaa|osoitetta|postilaatikkoa)(?: @)? ei (?:ole(?: olemassa)?|loydy|loytynyt)"
        r"|(?:kasutajat|saajat|aadressi) ei (?:leitud|ole)|(?:felhasznalo|cimzett|postafiok"
        r"|cim)(?: @)? nem (?:letezik|talalhato)"
        r"|nincs ilyen (?:felhasznalo|cimzett|postafiok|cim)",
    ),
    "Romanian, Turkish, Greek, Albanian": Words(
        r"expeditor\w*|gonderen\w*|gonderici|αποστολε\w*",
        r"(?:casuta|posta kutusu|hesap|γραμματοκιβωτιο)(?: [^ ]{1,20}){0,3} (?:plina|dolu|dolmus|askiya alindi|γεματο)"
        r"|kota(?:si)? (?:asildi|dolu)",
        r"(?:utilizator(?:ul)?|destinatar(?:ul)?|contul|adresa|casuta)(?: @)? (?:necunoscut\w?|inexistent\w?"
        r"|nu exista|invalid\w?)"
        r"|(?:kullanici|alici|hesap|adres|posta kutusu)(?: @| adi){0,2} "
        r"(?:bulunamadi|yok|mevcut degil|bilinmiyor|gecersiz)|(?:bilinmeyen|gecersiz) (?:kullanici|alici|adres)"
        r"|boyle bir [^ ]{1,20} yok"
        r"|αγνωστο[σς] (?:χρηστη[σς]|παραληπτη[σς])|(?:χρηστη[σς]|παραληπτη[σς]|διευθυνση) δεν (?:υπαρχει|βρεθηκε)",
    ),
    "Russian, Ukrainian, Bulgarian": Words(
        r"отправител\w*|спам\w*|черн\w+ списк?\w+|репутаци\w+|политик\w+|слишком много|відправник\w*|подател\w*",
        r"(?:ящик\w*|скринька|учетная запись|аккаунт|пользовател\w+|кутия)(?: [^ ]{1,20}){0,3} "
        r"(?:переполнен\w*|заполнен\w*|заблокирован\w*|отключен\w*|неактив\w+|переповнен\w*|пълна)"
        r"|(?:превышен[ао]?|исчерпан[ао]?) (?:квот\w+|лимит\w*|размер\w*)|квота (?:превышена|исчерпана)|нет места",
        r"(?:неизвестный|несуществующий|невідомий|непознат|неверный|недействительный) "
        r"(?:пользователь|получатель|адресат|адрес|користувач|одержувач|отримувач|потребител|получател)"
        r"|(?:пользовател\w+|получател\w+|адресат\w*|адрес\w*|ящик\w*|аккаунт\w*|учетн\w+ запис\w+|користувач\w*"
        r"|одержувач\w*|отримувач\w*|скринька|потребител\w+)(?: @| с таким именем| почты| электронной){0,2} "
        r"(?:не (?:найден\w*|существует|известен|знайдено|існує|съществува|обнаружен\w*|зарегистрирован\w*)"
        r"|неизвест\w+|отсутствует|несуществ\w+)|(?:нет|немає) так(?:ого|ой|их) \w{1,20}|так(?:ой"
        r"|ого) \w{1,20} (?:\w{1,20} )?"
        r"(?:не (?:существует|найден\w*)|нет)|няма такъв потребител",
    ),
    "Indonesian, Vietnamese, Lithuanian, Latvian": Words(
        r"pengirim|nguoi gui|siuntej\w+|sutitaj\w+|thu rac",
        r"kotak (?:surat|masuk) penuh|kuota (?:terlampaui|penuh)|hop thu (?:da )?day|dezute pilna",
        r"(?:pengguna|penerima|akun|alamat)(?: @| e ?mail){0,2} tidak (?:dikenal|ditemukan|ada|terdaftar|valid)"
        r"|(?:nguoi dung|nguoi nhan|tai khoan|dia chi|hop thu)(?: @)? khong (?:ton tai|tim thay|hop le)"
        r"|khong (?:tim thay|ton tai) (?:nguoi dung|nguoi nhan|tai khoan)|nezinomas (?:vartotojas|gavejas)"
        r"|(?:vartotojas|gavejas) (?:nerastas|neegzistuoja)|nezinams (?:lietotajs|sanemejs)|lietotajs neeksiste",
    ),
    "Arabic, Hebrew, Persian": Words(
        r"المرسل|مرسل|ספאם|שולח|فرستنده",
        r"(?:صندوق|علبة) (?:البريد|الوارد) ممتلئ|תיבת הדואר מלאה|صندوق پستی پر است",
        r"(?:ال)?(?:مستخدم|مستلم|عنوان|حساب|صندوق البريد) (?:غير (?:موجود|معروف|صحيح)|لا يوجد)"
        r"|ה?משתמש (?:לא קיים|לא נמצא|לא ידוע|לא מוכר)|کاربر (?:وجود ندارد|یافت نشد)",
    ),
}
JOINED: Final[dict[str, Words]] = {
    "Chinese": Words(
        r"(?<![a-z])ip(?![a-z])|垃圾|黑名单|黑名單|频率|頻率|发件人|發件人|寄件者|反垃圾|病毒|策略|拒绝连接|过于频繁|限制|投诉|信誉",
        r"(?:邮箱|信箱|郵箱|收件箱|收件匣|容量|空间|空間|配额)[^。，,]{0,6}(?:已满|已滿|满|滿|不足|超限|超出)"
        r"|(?:用户|帐号|账号|账户|帐户|邮箱|帳號|收件人)[^。，,]{0,4}(?:禁用|停用|锁定|冻结|注销|停權|过期)",
        r"(?:用户|用戶|使用者|收件人|收件者|收信人|邮箱|郵箱|信箱|地址|账号|帐号|帳號|账户|帐户|帳戶|收件地址)"
        r"[^。，,]{0,4}(?:不存在|未找到|无效|無效|找不到|未知)|(?:找不到|查无|查無|无此|無此|没有此|没有这个|無效的"
        r"|无效的|不存在的)"
        r"[^。，,]{0,3}(?:用户|用戶|使用者|收件人|收件者|邮箱|信箱|地址|账号|帐号|帳號|人)",
    ),
    "Japanese": Words(
        r"迷惑メール|スパム|ブラックリスト|送信者|送信元|差出人|ポリシー|制限",
        r"(?:ボックス|容量|受信箱)[^。、]{0,8}(?:いっぱい|一杯|満杯|超過|超え|不足|オーバー)"
        r"|アカウント[^。、]{0,4}(?:無効|停止|凍結)",
        r"(?:ユーザー?|宛先|宛て先|受信者|メールアドレス|アドレス|アカウント|メールボックス|ディレクトリ)"
        r"[^。、]{0,16}(?:存在しません|存在しない|見つかりません|見つからない|不明|ありません|ございません|なし)"
        r"|(?:不明な|存在しない|該当する)(?:ユーザー?|宛先|受信者|アドレス)",
    ),
    "Korean": Words(
        r"스팸|발신자|보낸 ?사람|차단|블랙리스트|정책|제한",
        r"(?:용량|메일함|편지함|사서함|저장 ?공간)[^.]{0,6}(?:초과|부족|가득|꽉)|휴면|(?:계정|아이디)[^.]{0,4}(?:정지"
        r"|잠)",
        r"(?:사용자|수신자|받는 ?사람|계정|아이디|메일 ?주소|주소|수신인)[^.]{0,6}(?:없|존재하지|찾을 수|잘못"
        r"|유효하지)"
        r"|(?:존재하지 않는|없는|알 수 없는|잘못된|유효하지 않은) ?(?:사용자|수신자|계정|아이디|메일|주소)",
    ),
    "Thai": Words(r"ผู้ส่ง|สแปม", r"(?:กล่องจดหมาย|พื้นที่)[^.]{0,6}เต็ม", r"ไม่(?:พบ|มี)(?:ผู้ใช้|ผู้รับ|บัญชี|ที่อยู่)|(?:ผู้ใช้|ผู้รับ)ไม่มี"),
}


def _all(part: int) -> tuple[Pattern, Pattern]:
    return (
        phrases(*(words[part] for words in SPACED.values())),
        phrases(*(words[part] for words in JOINED.values()), spaced=False),
    )


US: Final = _all(0)
CONDITION: Final = _all(1)
UNKNOWN: Final = _all(2)
# "Try again later", which makes any of the others doubtful.
LATER: Final = (
    phrases(
        r"später|spaeter|vorübergehend|plus tard|temporairement|mas tarde|temporalmente|mais tarde|temporariamente",
        r"piu tardi|temporaneamente|pozniej|tymczasow\w+|pozdeji|senare|senere|myohemmin|kesobb|mai tarziu|sonra",
        r"позже|временн\w+|пізніше|тимчасов\w+",
    ),
    phrases(r"稍后|稍後|暂时|暫時|后再试|しばらく|一時的|後ほど|나중에|일시적|잠시 후", spaced=False),
)
