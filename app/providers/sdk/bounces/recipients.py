"""Words that say "unknown recipient", in English. See `english` for their sources and for how they are looked for."""

from typing import Final

from app.providers.sdk.bounces.pattern import Pattern, phrases

# What follows here makes a phrase speak of something else than a recipient.
_NO_PROBLEM: Final = (
    r"(?! (?:error|problem|reason|status|type|issue|format|credential\w*|or password|password|limit|from|command"
    r"|sequence|protocol|argument|parameter|session|dns|mx|dkim|spf|helo|ehlo|certificate|signature|header)s?\b)"
)
_NOUN: Final = (
    r"(?:users?|usernames?|user names?|recipients?(?:'s)?|mailbox(?:es)?|mail box|mailid|addressee|address(?:es)?"
    r"|accounts?|e ?mails?|inbox|alias|customer|subscriber|member|person|rcpt|local ?part|user ?id|contact)"
)
_FILL: Final = (
    r"(?: @| %| here| name| id| e ?mail| address(?:es)?| account| mailbox| in| to| for| this| that| the"
    r"| you| you entered| tried to reach| trying to reach| are| is| was| were| has been| have been| currently| does"
    r"| local){0,6}"
)
_NOT_EXIST: Final = (
    r"(?:(?:does|do|did|is|has|can|was) ?(?:not|n't|nt|no)|doesn't|dosn't|doesnt|don't|dont|didn't|isn't|not|no) "
    r"(?:longer )?exist(?:s|ing|ed|ent)?"
)
_NOT_FOUND: Final = (
    r"(?:(?:could|can|was|were|is|has|does) ?(?:not|n't)|couldn't|can't|wasn't|isn't|not|no longer)"
    r"(?: be| been)? (?:found|located|recogni[sz]ed|known|listed|present|resolved)"
)
_ABSENT: Final = (
    rf"(?:{_NOT_EXIST}|{_NOT_FOUND}|unknown|unrecogni[sz]ed|non ?exist[ea]nt|inexist[ea]nt|invalid|no longer exists?"
    r"|not (?:a )?valid|wrong|incorrect|misspelled|no longer (?:valid|in use|on (?:the |this )?server|here|available)"
    r"|undefined|missing"
    r"|(?:has been |been |is |was )?(?:closed|deleted|removed|cancell?ed|gone)(?! (?:from|by|for)))"
)
_NAME: Final = (
    r"(?!(?:database|db|server|service|auth\w*|book|records?|data|verification|lookup|check|policy|list|info\w*|limit"
    r"|rejected|denied|error|and|or|not|but|profile|session|agent|host|system|quota|status) )[\w-]{1,40}"
)
_KIND: Final = r"(?: (?:local|virtual|mail|e ?mail|destination|delivery|recipient|user|to|or|existing|valid|the))"
_NOUN_AFTER: Final = (
    r"(?:users?|recipients?|mailbox|mail box|maildrop|mail drop|addressee|address(?:es)?|accounts?|alias|customer|id"
    r"|subscriber|person|local ?part|rcpt|e mail|email|user ?name|userid|member|one|domain user)"
)

UNKNOWN_RECIPIENT: Final = phrases(
    rf"{_NOUN}{_FILL} {_ABSENT}{_NO_PROBLEM}",
    # One other word may stand between, such as a local part without its domain.
    rf"(?:user|recipient|mailbox|account|addressee|address) {_NAME}(?: is| was)? (?:{_NOT_EXIST}|{_NOT_FOUND}|unknown)"
    rf"{_NO_PROBLEM}",
    rf"(?:cannot|can't|could not|couldn't|unable to|did not|didn't) (?:find|locate|recogni[sz]e) (?:a |the |any "
    rf"|such )?{_NOUN}",
    r"(?:unknown|no such|invalid|non ?exist[ea]nt|unrecogni[sz]ed|nonexisting|no valid|illegal|not existing)"
    rf"(?: or (?:illegal|invalid|unknown|incorrect|misspelled|nonexistent))?{_KIND}{{0,2}} {_NOUN_AFTER}{_NO_PROBLEM}",
    r"(?:no|not an?|isn't an?|not the|not our)(?: (?:valid|known|active|registered|existing|recogni[sz]ed|local|such"
    r"|e ?mail|mail|gateway|deliverable|legitimate|current))+ (?:user|recipient|mailbox|account|address|subscriber)",
    r"no (?:mailbox|mail box|user|account|mailaddress|one|recipient|local mailbox|e ?mail account|address|person"
    r"|alias)"
    r"(?: \w{1,20}){0,3} (?:here|by|with|found|available|at|under|exists?|of|in)(?: (?:this|that|the|your|our))?",
    r"no (?:mailbox|user|account|recipient|address|alias) (?:found|here|exists?)|nobody (?:here )?(?:by"
    r"|with) that name",
    r"(?:user|recipient|person) (?:does not|doesn't|does ?n't|do not) have (?:an?|any)(?: %| [\w]{1,20}){0,2} account",
    r"not (?:our|a) (?:customer|user|member|subscriber)(?: of| here)?|there is no one at this address",
    r"not (?:present |found |listed )?in (?:the |our |its |any )?(?:\w{1,20} ){0,2}"
    r"(?:directory|address book|validrcptto(?: list)?)",
    r"@ (?:is |was )?(?:unknown|not found|no longer valid|does(?: not|n't) exist|not exist|invalid|not known|not used)"
    rf"{_NO_PROBLEM}",
    r"@ does(?: not|n't) have an account|bad (?:destination )?(?:recipient|mailbox|user)(?: address)?(?! syntax)"
    r"|unavailable (?:mail )?user",
    r"unknown (?:or illegal )?alias|(?:do(?: not|n't)|did(?: not|n't)) have (?:a|an|any) (?:user|mailbox|account)",
    r"does(?: not|n't) handle mail for that user|that user does(?: not|n't)|is not known to (?:this|the) system",
    r"(?:user|account|mailbox|address) (?:is )?(?:not|no) (?:user )?(?:of|on|at) this (?:server|system|domain|host)",
    r"existent user|user (?:is )?not (?:a )?registered|no longer on (?:the |this )?server|account is closed",
    r"don't exists that user|not user of this server|userunknown|mail ?box available for this user"
    r"|bad destination mailbox address",
    r"no (?:account|mailbox|user) for (?:this|that) (?:address|user|name)|no longer (?:employed|works?) (?:here|at|by"
    r"|for)",
)
UNKNOWN_HOST: Final = phrases(
    r"(?:unknown|no such|invalid recipient|nonexistent|non ?existent) (?:mail )?(?:host|domain)(?: name)?",
    rf"(?:domain|host)(?: name)?(?: %)?(?: is| was)? (?:{_NOT_EXIST}|unknown|not found|could not be found|nxdomain)",
    r"(?:host|domain|service)(?: or (?:domain|service))?(?: name)? (?:not found|not known)|nxdomain|dns hard error",
    r"null mx|no mx(?: record)?s?|indicated no smtp service|couldn't find any host(?: named| by that name)?",
    r"(?:host|domain)(?: domain)?(?: %)? does(?: not|n't) accept mail(?! from)|recipient domain must exist",
    r"un ?route?able (?:mail )?(?:address|domain|recipient)|domain mentioned in (?:e mail|email) address is unknown",
    r"tenant or domain not found|could not find (?:a|the) mail server",
)
# Words that decide beside a code alone: a provider may write "550 5.4.4 Invalid domain", but a HELO may also have one.
INVALID_DOMAIN: Final = phrases(r"invalid domain(?: name)?|unable to route|cannot route")
# RFC 5321 §4.2.3 gives this text to an unknown mailbox and to a policy alike, so more is asked for beside it.
MAILBOX_UNAVAILABLE: Final = phrases(r"requested (?:mail )?action not taken mailbox unavailable")
MAILBOX_UNAVAILABLE_AT: Final = phrases(r"@ requested (?:mail )?action not taken mailbox unavailable")
ACCESS_DENIED: Final = phrases(r"recipient address rejected access (?:is )?denied")
# au (KDDI) and docomo answer so for a mailbox whose owner filters senders: without the address, or after DATA.
FILTERED: Final = Pattern(
    r"(?:^|;|said:)\s*550\s{0,2}:\s{1,3}user unknown|docomo[^\x00]{0,200}end of data", ignore_case=True
)
