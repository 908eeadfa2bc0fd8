"""English words of mail hosts, by what they speak of. They are looked for in flattened words (`words.flatten`).

In a pattern, `@` is an address and `%` a host name. The texts that the patterns were drawn from are, each with its
source, in tests/providers/sdk/texts; most are from sisimai (set-of-emails 2025-12-10, go-sisimai 2025-02-23), ZoneMTA's
bounces.txt (2026-07-20), KumoMTA's bounce rules (2026-08-04) and the hosts' own pages as smtp.codes quotes them.
"""

from typing import Final

from app.providers.sdk.bounces.pattern import phrases

# ---- about us: the sender, its address, its host, its content ----
RATE: Final = phrases(
    r"too (?:fast|quickly|frequent(?:ly)?)",
    r"too many(?! (?:messages|mails) (?:on|in|for) )(?! (?:hops|received))",
    r"(?:rate|connection|sending|recipient|hourly|daily|volume|concurrency) (?:is |was |has been )?limit\w*",
    r"(?:at a|exceed\w*|unusual|high|message|sending|the maximum|your) rate",
    r"(?:hourly|daily|sending|relay) quota|sending limit|throttl\w+|frequency|per (?:hour|day|minute)",
    r"(?:excessive|unexpected|high|unusual) volume|concurrent|connection limit|max(?:imum)? (?:messages|connections)"
    r"|messages? per connection|excessive(?! (?:size|message size))|rate of|harvest\w*",
)
REPUTATION: Final = phrases(
    r"reputation|poor (?:sender|score)|black ?list\w*|block ?list\w*|deny ?list\w*|d?n?s?(?:rbl|dnsbl)|rbl|banned",
    r"blackhole|spamhaus|spamcop|senderscore|cloudmark|barracudacentral|sorbs|uribl|surbl",
    r"(?<!not )listed (?:in|at|by|on|as)",
    r"(?<!mailbox )(?<!mailbox is )(?<!account )(?<!account is )(?<!account has been )(?<!recipient is )"
    r"(?<!user )(?<!user is )(?<!inbox is )block(?:ed|ing)(?! (?:account|mailbox|user|recipient))",
    r"ips?|no access from|open proxy|mass mailer|smtp server of",
    r"connections? (?:was |is |has been |were )?(?:denied|rejected|not accepted|not allowed)",
)
AUTHENTICATION: Final = phrases(
    r"spf|dkim|dmarc|arc|sender ?id|sender policy framework|purported responsible",
    r"(?:un ?|non ?)?authenticat\w+|(?:un ?)?authori[sz]\w+|spoof\w*|forged|impersonat\w+|credentials|start ?tls|tls"
    r"|ssl|smtp auth",
)
REVERSE_DNS: Final = phrases(
    r"ptr|rdns|reverse (?:dns|lookup|ip|address|resolution)|fcrdns|unresolvable|(?:helo|ehlo)(?! handshake)"
    r"|client host rejected",
    r"(?:cannot|can't|could not|unable to) (?:find|resolve) your|may not be mail exchanger|dynamic ips?",
    r"resource records?|dns (?:check|lookup|verification)s? fail\w*",
)
CONTENT: Final = phrases(
    r"(?<!anti )(?<!no )spam(?! (?:firewall|gateway|appliance|titan|assassin))(?:med|ming|mers?|my|traps?)?",
    r"unsolicited|junk|ube|uce|bulk|phish\w*|virus(?:es)?|malware|trojan|malicious|abus(?:e|ive)|suspicious|suspected",
    r"(?:message|mail) content|content (?:is |was )?(?:rejected|denied|blocked|filter\w*|policy)|harmful",
    # Not an attachment that is too large, nor the advice to send the email without one.
    r"(?<!remove )(?<!remove any )(?<!remove the )(?<!without )(?<!size of )(?<!size of the )(?<!size of your )"
    r"attachments?(?! (?:size|exceed\w*|(?:is |are )?too (?:large|big)))|(?:links?|urls?) (?:to|in)",
    r"rfc compliant|not compliant|undesirable|unwanted|unacceptable|(?:anti ?spam|spam ?assassin) (?:check|score"
    r"|rule)s?",
    r"recurrent pattern|system has detected",
)
POLICY: Final = phrases(
    r"(?:mail ?)?polic(?:y|ies)|prohibit\w*|forbidden|envelope blocked|(?<!not )allowed (?:recipients?|senders?|list)",
    r"administrative\w*(?! (?:disabled|suspended|locked))|security (?:reasons?|rules?|violations?|checks?)",
    r"restrict\w*|access (?:is |was )?(?:denied|denined)|deny|(?<!name )not (?:be )?(?:allowed|permitted)"
    r"|isn't allowed",
    r"(?:message|mail|e mail|service|delivery|recipient) (?:was |is |has been )?(?:refused|filtered|refuse|denied)",
    r"refused by|filter(?:ed|s|ing)?|does(?: not|n't) want|recipient preferences?|user rules?|refuses? to (?:receive"
    r"|accept)",
    r"white ?list\w*|allow ?list\w*|bypass list|accept(?:s|ing) (?:mail|messages|e ?mails?) from|geograph\w+|country",
    r"members? only|non member|not subscribed|mailing list|organi[sz]ational|rule imposed|protected by|challenge"
    r"|greeting pause|user reject(?:ed|s)?|rejected by (?:the )?(?:user|recipients?|filter\w*)",
)
RELAY: Final = phrases(
    r"relay(?:ing)? (?:access |is |was |mail )?(?:denied|not|prohibited|rejected|forbidden|for)|(?:open|mail"
    r"|no) relay",
    r"(?:unable|allowed|permitted|configured|authorized|cannot|not|never|will not|won't|refuse[sd]?) (?:to )?relay",
    r"relaying|rcpthosts?|not hosted here|not configured to|as a relay|not a gateway|we don't handle mail for",
)
SENDER: Final = phrases(
    r"(?<!ask the )(?<!inform the )(?<!notify the )(?<!tell the )(?<!to the )(?<!to )(?<!contact the )"
    r"senders?(?:'s)?(?! (?:should|must|please|may|has been notified|was notified|can))",
    # "(in reply to MAIL FROM command)" is Postfix's own comment.
    r"(?<!in reply to )(?:mail|envelope|header) ?from|from (?:address|domain|header|field|user)|return (?:path|address)"
    r"|reverse path|(?<!in )reply to|originator|your user account|(?:sending|originating) (?:user|account|system)"
    r"|used to send|multiple addresses",
    r"batv|dsns?|null reverse|returned mail|bounces? (?:are |is )?not|sender\w*config",
    r"(?<!in reply to )(?:messages?|mails?|e ?mails?|connections?|traffic|submissions?)"
    r" (?:sent |received |originating |coming )?from",
    r"your (?:ip|server|domain|host|hostname|mail ?server|mta|account|access|network|reverse|mail client|client)"
    r"(?:'s)?(?! (?:admin\w*|manager|operator))",
)

# ---- about the mailbox's condition ----
_MAILBOX: Final = (
    r"(?:mailbox(?:'s)?|mail box|inbox|mail ?folder|folder|account|user(?:'s)?|recipients?(?:'s)?|address|mail ?dir"
    r"|addressee|subscriber|customer|e ?mail|login)"
)
_GAP: Final = r"(?: [\w'@%]{1,30}){0,3}"
FULL: Final = phrases(
    rf"(?:over|exceed(?:s|ed|ing)?|out of|beyond|reached|above|exhausted){_GAP} (?:quota|storage|disk|space"
    rf"|allocation)",
    rf"(?:\w*quota|quota{_GAP} (?:exceeded|full|reached|violation|exhausted|overdrawn))",
    rf"{_MAILBOX}{_GAP} (?:full|overfull|overflow\w*)|full (?:mailbox|inbox)|mailbox limit",
    r"(?:not enough|not sufficient|no) (?:free |disk |disc |storage |mailbox |more |enough ){0,2}space"
    r"|insufficient mailbox space",
    r"no (?:storage |disk )?(?:space|room) (?:left|available)|does not have enough space|space has been used up"
    r"|insufficient storage|storage (?:space )?exceeded",
    r"too much mail data|too many (?:messages|mails) (?:on|in|for)|would exceed",
    r"mailbox (?:size|storage|quota|capacity)|storage (?:limit|capacity)|exceeded the local limit",
)
_OFF: Final = (
    r"(?:disabled|inactive|de ?activated|discontinued|suspended|locked|frozen|expired|archived|dormant|terminated"
    r"|blocked|paused|on hold|not (?:been )?(?:active|activated|enabled)|no longer (?:active|accept\w*|receiv\w*)"
    r"|over limit)"
)
_OFF_BEFORE: Final = r"(?:disabled|inactive|deactivated|suspended|locked|frozen|expired|dormant|archived|blocked)"
DISABLED: Final = phrases(
    rf"{_MAILBOX}{_GAP} {_OFF}",
    rf"{_OFF_BEFORE}(?: or \w{{1,20}})? (?:e ?mail )?(?:mailbox|account|user|recipient|e mail|email|address"
    rf"|subscriber)",
    rf"{_MAILBOX}{_GAP} (?:not|unable to|cannot|can't) (?:currently |be )?"
    r"(?:accept|accepting|accepts|receive|receiving) (?:any |new |more )?(?:mail|mails|messages?|e ?mails?)",
    r"no longer accepts? (?:e ?)?mails?|due to (?:extended )?inactivity|@ is (?:currently )?" + _OFF,
    rf"(?:is|has been|was|been|currently) (?:currently |temporarily |now )?{_OFF_BEFORE}|receiving disabled"
    rf"|not accepting any",
    r"domain (?:is |has been |was )?(?:suspended|disabled|expired)|user or domain is disabled|is unavailable (?:user"
    r"|account) is|recipient suspend the service",
)
TOO_LARGE: Final = phrases(
    r"(?:message|mail|e ?mail|messages)(?: is| was| size| size is| length)? too (?:large|big|long)|too big for",
    r"(?:message|mail) (?:size|length)(?: \w{1,20}){0,2} exceed(?:s|ed)?|size limit|maximum message size"
    r"|file too (?:big|large)",
    r"exceed(?:s|ed|ing)?(?: [\w'@%]{1,30}){0,5} size",
    r"(?:message|mail|size|length) exceed(?:s|ed)?(?: [\w'@%]{1,30}){0,4} (?:size|length|limits?|maximum)",
)

# ---- not now, nobody was reached, or something is wrong with the message or a system: beside words that say "unknown
# recipient" or their code, doubt ----
LATER: Final = phrases(
    r"tr(?:y|ied) (?:it )?(?:again )?later|retry (?:again )?later|try again (?:in|after|slower)|temporar(?:y|ily)",
    r"gr[ea]y ?list\w*|busy|is down|maintenance|vacation|out of (?:the )?office|auto(?:matic)? ?reply|in progress"
    r"|deferred|delayed"
    r"|not found (?:\. )?try again|giving up on",
    r"(?:ldap|database) (?:server|error|query|lookup|fail\w*|timeout|problem|connection|is)|being migrated|migration"
    r"|directory (?:is )?(?:unavailable|down)|unable to look up|error (?:\. )?try again",
    r"servfail|soft error|name server reply|name ?server (?:failure|error|timeout|query)|dns query failed|dns failure",
    r"lookup failure|unable to resolve|(?:time|timed) ?out|expired(?: before| unable)?|delivery time|too old|retries",
    r"retry time\w*|queue (?:expired|too long|period)|undelivered for|unable to deliver in|for a long time",
    r"connections? (?:was |is |were )?(?:refused|reset|dropped|lost|failed|closed)|lost connection|no route"
    r"|unreachable",
    r"(?:could not|couldn't|cannot|unable to) (?:connect|verify|be verified)|verification (?:problem|failed|failure)",
    r"unverified|not verified|not accepting connections|service (?:is )?(?:currently |temporarily )(?:un"
    r"|not )available",
    r"service not available|did not respond|not (?:be )?reach(?:ed|able)|network error|internal error|local error",
    r"config(?:uration)? (?:error|problem)|misconfigured|system (?:full|call|error)|insufficient (?:disk|system)"
    r"|queue file",
    # Nobody has named the recipient yet; and a guess about somebody's domain is none about the recipient.
    r"in reply to mail from|domain (?:may|might) not exist",
    r"hops?|hop count|loop\w*|headers?|mime|malformed|improper\w*|duplicate|protocol violation|base64|mailer error",
)
