"""What a webhook proves: what must stay known of a copy after the webhook was answered with 200."""

from app.domain.head import Evidence
from app.domain.kinds import Kind

PROVED = {
    **{kind: {Evidence.ACCEPTED} for kind in (Kind.ACCEPTED, Kind.DELAYED, Kind.OPENED, Kind.CLICKED)},
    **{kind: {Evidence.ACCEPTED, Evidence.DELIVERED} for kind in (Kind.DELIVERED, Kind.COMPLAINED)},
    Kind.HARD_BOUNCE: {Evidence.FAILED, Evidence.HARD_BOUNCE},
    Kind.MAILBOX_CONDITION: {Evidence.FAILED, Evidence.MAILBOX_CONDITION},
    Kind.VIRUS: {Evidence.FAILED, Evidence.VIRUS},
    Kind.SUPPRESSED: {Evidence.FAILED},  # no more, if the recipient passes the providers' own lists
    **{kind: {Evidence.FAILED} for kind in (Kind.SOFT_BOUNCE, Kind.BLOCKED, Kind.DROPPED)},
}
BAD = frozenset(kind for kind, known in PROVED.items() if Evidence.FAILED in known)
OPT_OUTS = (Kind.COMPLAINED, Kind.UNSUBSCRIBED)
