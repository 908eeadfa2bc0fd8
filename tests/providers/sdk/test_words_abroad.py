"""What hosts write in other languages than English, word by word: about us, about a mailbox, about nobody there."""

import pytest

from app.providers.sdk.bounces import Proven, Report, read

US = {
    "German": "absenderadresse|spamverdacht|sperrliste|schwarze liste|gesperrte ip|richtlinien|abgelehnt wegen"
    "|zu viele",
    "French": "expediteur|emetteur|adresse ip|liste noire|refusé|rejeté|trop de|authentification|politique",
    "Spanish": "remitente|emisor|correo no deseado|lista negra|bloqueado por|reputación|políticas|demasiados"
    "|autenticación",
    "Portuguese": "remetente|lista negra|bloqueado por|reputação|política|muitos|autenticação",
    "Italian": "mittente|lista nera|bloccato da|reputazione|politica|troppi|autenticazione|indesiderata|indesiderato",
    "Dutch": "afzender|zwarte lijst|geblokkeerd door|beleid|te veel",
    "Polish": "nadawca|spamu|czarnej liście|polityki|zbyt wiele|uwierzytelnianie",
    "Czech": "odesílatel|odosielateľ|pošiljatelj",
    "Nordic": "avsändare|afsender|avsender|skräppost|svartlistad|svartelistet|sortlistet",
    "Finnic, Hungarian": "lähettäjä|saatja|feladó|roskapostia",
    "Romanian, Turkish, Greek": "expeditorul|gönderen|gönderici|αποστολέας",
    "Slavic": "отправитель|спам|черном списке|репутация|политика|слишком много|відправник|подател",
    "Indonesian and others": "pengirim|người gửi|siuntėjas|sūtītājs|thư rác",
    "Arabic, Hebrew, Persian": "المرسل|مرسل|ספאם|שולח|فرستنده",
    "Chinese": "IP|垃圾|黑名单|频率|发件人|寄件者|病毒|策略|拒绝连接|过于频繁|限制|投诉|信誉",
    "Japanese": "迷惑メール|スパム|ブラックリスト|送信者|送信元|差出人|ポリシー|制限",
    "Korean": "스팸|발신자|보낸사람|차단|블랙리스트|정책|제한",
    "Thai": "ผู้ส่ง|สแปม",
}
CONDITION = (
    "Postfach ist voll|Konto deaktiviert|Speicherplatz überschritten|Zuviele Mails|Nachricht ist zu groß",
    "boîte pleine|compte suspendu|quota dépassé|message trop volumineux|message trop gros",
    "buzón lleno|cuenta suspendida|cuota excedida|espacio insuficiente|caixa cheia|conta suspensa|quota ultrapassada",
    "casella piena|account sospeso|quota superata|spazio esaurito|postvak vol|mailbox inactief|quotum overschreden",
    "skrzynka pełna|konto zawieszone|przekroczony limit|brak miejsca|schránka plná|účet neaktivní",
    "brevlådan full|postkassen fuld|konto spärrad|postilaatikko on täynnä|postkast on täis|postafiók megtelt",
    "căsuța plină|posta kutusu dolu|kota aşıldı|γραμματοκιβώτιο γεμάτο|ящик переполнен|квота превышена|нет места",
    "kotak surat penuh|kuota penuh|hộp thư đầy|صندوق البريد ممتلئ|תיבת הדואר מלאה|صندوق پستی پر است",
    "邮箱已满|容量不足|账号已冻结|帳號停權|メールボックスがいっぱい|容量オーバー|アカウントは凍結",
    "용량 초과|휴면|계정 정지|아이디 잠",
    "กล่องจดหมายเต็ม|พื้นที่เต็ม",
)
UNKNOWN = (
    "unbekannter Benutzer|kein solcher Nutzer|Empfänger unbekannt|Adresse gibt es nicht|utilisateur inconnu",
    "boîte n'existe plus|aucun utilisateur|aucune adresse|usuario desconocido|cuenta inválida|no existe el usuario",
    "usuario no encontrado|destinatario no se encontrado|usuário desconhecido|conta inválida|não existe o usuário",
    "utente sconosciuto|casella non presente|nessun utente|casella non è stata trovata|onbekende gebruiker",
    "geen mailbox|ontvanger onbekend|postvak niet bekend|nieznany użytkownik|adres nie istnieje|konto nieznane",
    "skrzynka nie odnaleziono|nie znaleziono użytkownika|brak takiego konta|brak skrzynki|neznámý uživatel",
    "neznan prejemnik|uživatel neexistuje|účet neznámý|okänd användare|ugyldig mottaker|adressen finns inte",
    "kontoen ble ikke funnet|tuntematon käyttäjä|ismeretlen címzett|käyttäjää ei löydy|aadressi ei ole",
    "felhasználó nem létezik|nincs ilyen cím|utilizator necunoscut|adresa invalidă|kullanıcı bulunamadı",
    "geçersiz adres|böyle bir kullanıcı yok|άγνωστος χρήστης|διεύθυνση δεν βρέθηκε|неизвестный пользователь",
    "ящик отсутствует|адрес не найден|немає такого користувача|няма такъв потребител|pengguna tidak dikenal",
    "alamat tidak valid|người dùng không tồn tại|không tìm thấy tài khoản|nežinomas vartotojas|gavėjas neegzistuoja",
    "lietotājs neeksistē|مستخدم غير موجود|חשבון המשתמש לא קיים|کاربر یافت نشد|用户不存在|收件地址未知|查无此人",
    "找不到使用者|ユーザーは存在しません|宛先なし|不明なユーザー|該当するアドレス",
    "사용자 없|수신인 유효하지|없는 사용자|잘못된 주소",
    "ไม่พบผู้ใช้|ผู้รับไม่มี",
)


def _texts(*lists: str) -> list[str]:
    return [text for each in lists for text in each.split("|")]


@pytest.mark.parametrize("text", _texts(*US.values()))
def test_words_about_us_are_a_block(text: str) -> None:
    assert read(Report(action="failed", status="5.1.1", text=f"550 5.1.1 {text}")).proven is Proven.BLOCKED


@pytest.mark.parametrize("text", _texts(*CONDITION))
def test_words_about_a_mailbox_are_its_condition(text: str) -> None:
    assert read(Report(action="failed", text=f"550 {text}")).proven is Proven.MAILBOX_CONDITION


@pytest.mark.parametrize("text", _texts(*UNKNOWN))
def test_words_about_nobody_there_are_a_hard_bounce(text: str) -> None:
    assert read(Report(action="failed", text=f"550 {text}")).proven is Proven.HARD_BOUNCE


@pytest.mark.parametrize(
    "later",
    _texts(
        "später|vorübergehend|plus tard|temporairement|más tarde|temporalmente|mais tarde|temporariamente|più tardi",
        "temporaneamente|później|tymczasowo|později|senare|senere|myöhemmin|később|mai târziu|sonra|позже|временно",
        "пізніше|тимчасово|稍后|稍後|暂时|暫時|しばらく|一時的|後ほど|나중에|일시적|잠시 후",
        "retry time not reached|queue period over",
        "queue too long|undelivered for 4 days|unable to deliver in 2 days|for a long time|error . try again",
    ),
)
def test_a_word_that_it_may_work_later_makes_a_dead_mailbox_doubtful(later: str) -> None:
    text = f"550 5.1.1 user unknown, {later}"
    assert read(Report(action="failed", status="5.1.1", text=text)).proven is Proven.SOFT_BOUNCE
