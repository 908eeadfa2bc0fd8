"""Tokens by which a receiver says more than its code does. They are looked for in the text without addresses.

A token that is not here proves nothing.
"""

from typing import Final

from app.providers.sdk.bounces.pattern import Pattern


def _token(*alternatives: str) -> Pattern:
    """Tokens stand alone, in upper and lower case as the receiver writes them."""
    return Pattern(rf"(?<![\w.-])(?:{'|'.join(alternatives)})(?![\w-])")


# support.google.com/a/answer/3726730, "SMTP error reference", and the links in Gmail's replies (2026).
GOOGLE_UNKNOWN: Final = Pattern(r"[?&](?:p=NoSuchUser|answer=6596)\b")
GOOGLE_CONDITION: Final = Pattern(r"[?&]p=(?:DisabledUser|InactiveUser|OverQuota(?:Perm|Temp)?)\b")
GOOGLE_US: Final = Pattern(
    r"[?&]p=(?:Unsolicited\w*|DmarcRejection|\w*Unauthenticated\w*|\w*Authentication\w*|ReceivingRate\w*|BlockedMessage"
    r"|IPv6AuthError|sender-guidelines\w*|RfcMessageNonCompliant|mail-auth\w*|PolicyViolation)"
)
# learn.microsoft.com, "Non-delivery reports in Exchange Online": directory-based edge blocking (2018 on).
MICROSOFT_UNKNOWN: Final = Pattern(r"\bAS\(201806281\d{0,3}\)|\bS2017062302\b")
MICROSOFT_US: Final = _token(
    r"S31\d\d|S32\d\d|S775|S7771\d|S844|AS1601260\d|AS1601261\d|AS\(14[0-9]0\)|AS345|AS\(345\)",
    r"SC-00[1-4]|OU-00[12]|DY-00[12]|RP-00[1-3]|RESOLVER\.RST\.(?:AuthRequired|NotAuthorized\w*|RestrictedTo\w*)",
)
EXCHANGE_UNKNOWN: Final = _token(
    r"RESOLVER\.ADR\.(?:Ex)?Recip(?:ient)?NotFound|RESOLVER\.ADR\.ExRecipNotFound|RESOLVER\.ADR\.InvalidInSmtp",
    r"(?:SMTPSEND|SmtpSend)\.DNS\.NonExistentDomain",
)
# support.apple.com/HT204137, "Postmaster information for iCloud Mail" (2024).
APPLE_US: Final = _token(r"CS0[0-9]|HM0[0-9]|HME1|PR0[0-9]")
# senders.yahooinc.com/smtp-error-codes (2026), also for AOL, AT&T and the other hosts that Yahoo runs.
YAHOO_US: Final = _token(r"TSS?\d\d|BL2[0-9]|PH01|IPTS0\d|AU0\d|VS\d-\w\w|GL0\d")
# ca.godaddy.com/help/fix-rejected-email-with-a-bounce-error-40685 (2025): IB607 is a rate, whatever code it comes with.
GODADDY_US: Final = _token(r"IB(?:007|1(?:0[1-9]|1[0-9])|212|401|5(?:0[1-9]|10)|60[1-9]|70[1-5])")
# postmastery.com, "Orange postmaster SMTP error codes OFR", and La Poste's LPN with the same numbers (2025).
ORANGE_UNKNOWN: Final = _token(r"(?:OFR|ofr|LPN)\d{0,3}_?416")
ORANGE_CONDITION: Final = _token(r"(?:OFR|ofr|LPN)\d{0,3}_?(?:417|420|426)")
ORANGE_US: Final = _token(
    r"(?:OFR|ofr|LPN)(?:\d{3}|AAA)?_?(?:10[1-9]|201|305|40[1-5]|415|42[134]|50[3-9]|51[0-9]|52[0-9]|630|99[0-9])"
)
# postmaster.cox.net, "Error codes", and Spectrum's page (2024): AUP is the acceptable use policy that senders break.
CABLE_US: Final = Pattern(r"\bAUP#[\w-]{2,20}")
# postmaster.comcast.net, "Mail error codes" (2024): block lists, dynamic hosts, rates.
COMCAST_US: Final = _token(r"(?:BL|ES|RL|RD|DN)0\d{2,5}")
# help.163.com, NetEase's return codes (2020): all of these speak of the sender, its rate or its content.
NETEASE_US: Final = Pattern(r"\b(?:DT|MI|RP|HL|WM|IB|MX|SP):(?!LD|NE)[A-Z]{3}\b")
# The pages of block lists, to which hosts send the reader, often with no other word (RFC 5782 §2 has the practice).
LIST_LINK: Final = Pattern(
    r"\b(?:https?:)?//[\w.-]{0,60}(?:spamhaus|spamcop|sorbs|uribl|surbl|abuseat|senderscore|barracudacentral|cloudmark"
    r"|proofpoint\.com/(?:dnsbl|\?ip)|ipcheck\.proofpoint|sender\.office|mxtoolbox|spf|invaluement|dnsbl|rbl\b)",
    ignore_case=True,
)
# United Internet (GMX, web.de, mail.com, IONOS) and Microsoft say "mailbox unavailable" for an unknown recipient.
SAYS_UNAVAILABLE: Final = Pattern(
    r"\b(?:outlook|hotmail|live|msn)\.com\b|\b(?:gmx|web)\.(?:de|net|com)\b|\bmail\.com\b|\bkundenserver\.de\b",
    ignore_case=True,
)
