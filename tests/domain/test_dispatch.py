"""The route: who may carry an email, and whom the next call carries."""

from dataclasses import replace

import pytest

from app.delivery.attempt import message
from app.domain.dispatch import Dispatch, next_dispatch
from app.domain.email import Content, Mailbox, Role
from app.domain.head import Head, Recipient, Status
from app.domain.protocol import DeliveryProtocol
from tests.support.samples import a_head

ANN, BOB, EVE, DAN = (Mailbox(f"{name}@Example.net", name.capitalize()) for name in ("ann", "bob", "eve", "dan"))
ROLES = {ANN: Role.TO, BOB: Role.CC, EVE: Role.BCC, DAN: Role.BCC}
PROVIDERS = ("a", "b")
RULES = DeliveryProtocol(PROVIDERS, 60_000)


CONTENT = Content("Hello", names={person.key: person.name for person in ROLES})


def an_email_to(*people: Mailbox, sent: tuple[Mailbox, ...] = (), **tried: tuple[Mailbox, ...]) -> Head:
    """A head to `people` in their roles, of whom some are sent and some have tried a provider (`a=(ANN,)`)."""
    recipients = {
        person.key: Recipient(
            person.address,
            ROLES[person],
            status=Status.SENT if person in sent else Status.QUEUED,
            tried={provider: False for provider, by in tried.items() if person in by},
        )
        for person in people
    }
    return a_head(0, recipients=recipients)


def keys(*people: Mailbox) -> tuple[str, ...]:
    return tuple(person.key for person in people)


@pytest.mark.parametrize(("named", "first"), [((), "a"), (("c", "b"), "b"), (("b", "x"), "b"), (("x",), None)])
def test_the_configured_order_restricted_to_those_the_email_names(named: tuple[str, ...], first: str | None) -> None:
    dispatch = DeliveryProtocol(["a", "b", "c"], 0).next_dispatch(replace(an_email_to(ANN), providers=named), 0)
    assert (dispatch and dispatch.provider) == first


def test_the_first_provider_that_somebody_has_not_tried() -> None:
    assert next_dispatch(an_email_to(ANN), PROVIDERS) == Dispatch("a", keys(ANN))
    assert next_dispatch(an_email_to(ANN, a=(ANN,)), PROVIDERS) == Dispatch("b", keys(ANN))
    assert next_dispatch(an_email_to(ANN, a=(ANN,), b=(ANN,)), PROVIDERS) is None
    assert next_dispatch(an_email_to(ANN), ()) is None


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.QUEUED])
def test_who_is_not_queued_is_not_carried(status: Status) -> None:
    head = an_email_to(ANN)
    somebody = replace(head.recipients[ANN.key], status=status)
    assert next_dispatch(replace(head, recipients={ANN.key: somebody}), PROVIDERS) is None


def test_who_waits_for_a_round_is_not_carried() -> None:
    head = an_email_to(ANN, BOB)
    waiting = replace(head.recipients[ANN.key], wait_until_ms=1)
    head = replace(head, recipients={**head.recipients, ANN.key: waiting})
    assert next_dispatch(head, PROVIDERS) == Dispatch("a", keys(BOB))


@pytest.mark.parametrize(
    ("head", "dispatch"),
    [
        (an_email_to(ANN, BOB, EVE, DAN), Dispatch("a", keys(ANN, BOB, EVE, DAN))),  # as it was asked for
        (an_email_to(ANN, BOB, EVE, DAN, a=(ANN, BOB, EVE, DAN)), Dispatch("b", keys(ANN, BOB, EVE, DAN))),
        (an_email_to(ANN, BOB, EVE, sent=(EVE,)), Dispatch("a", keys(ANN, BOB))),  # they see each other anyway
        (an_email_to(ANN, BOB, EVE, DAN, sent=(ANN,)), Dispatch("a", keys(BOB))),  # the bccs come after
        (an_email_to(ANN, BOB, EVE, DAN, sent=(ANN, BOB)), Dispatch("a", keys(EVE))),  # one alone
        (an_email_to(ANN, EVE, DAN, sent=(ANN, EVE)), Dispatch("a", keys(DAN))),
        (an_email_to(EVE), Dispatch("a", keys(EVE))),
        (an_email_to(EVE, DAN), Dispatch("a", keys(EVE))),  # without a `to` each goes alone
        (an_email_to(EVE, DAN, sent=(EVE,)), Dispatch("a", keys(DAN))),
        (an_email_to(BOB, EVE), Dispatch("a", keys(BOB))),
        (an_email_to(BOB, EVE, a=(BOB,)), Dispatch("a", keys(EVE))),
        (an_email_to(ANN, BOB, a=(ANN,)), Dispatch("a", keys(BOB))),  # whoever has not tried the first goes first
        (an_email_to(ANN, EVE, a=(ANN,), b=(ANN,)), Dispatch("a", keys(EVE))),
    ],
    ids=lambda value: "-".join(value.recipients) if isinstance(value, Dispatch) else "",
)
def test_who_shares_a_call(head: Head, dispatch: Dispatch) -> None:
    assert next_dispatch(head, PROVIDERS) == dispatch


def the_message(head: Head, dispatch: Dispatch) -> tuple[tuple[Mailbox, ...], ...]:
    claimed = RULES.claim(head, dispatch, 30_000, 0)
    sent = message(claimed, CONTENT)
    assert (sent.email_id, sent.attempt, sent.sender) == (head.email_id, claimed.next_attempt - 1, head.sender)
    assert (sent.visible_to, sent.visible_cc) == ((ANN,), (BOB,))  # what a provider that takes raw MIME shows
    return sent.to, sent.cc, sent.bcc


def test_a_call_for_everybody_addresses_them_as_asked_for() -> None:
    head = an_email_to(ANN, BOB, EVE, DAN)
    assert the_message(head, Dispatch("a", keys(ANN, BOB, EVE, DAN))) == ((ANN,), (BOB,), (EVE, DAN))


@pytest.mark.parametrize("some", [(ANN, BOB), (BOB,), (EVE,)], ids=["to and cc", "cc", "bcc"])
def test_a_call_for_some_addresses_them_in_to(some: tuple[Mailbox, ...]) -> None:
    head = an_email_to(ANN, BOB, EVE, DAN)
    assert the_message(head, Dispatch("b", keys(*some))) == (some, (), ())


@pytest.mark.parametrize(
    ("people", "sent_to", "visible"),
    [
        ((EVE,), EVE, ((EVE,), ())),
        ((EVE, DAN), DAN, ((DAN,), ())),  # nobody sees the other bcc
        ((BOB,), BOB, ((), (BOB,))),
        ((BOB, EVE), EVE, ((), (BOB,))),
    ],
    ids=["a bcc", "one of two bccs", "a cc", "a bcc beside a cc"],
)
def test_without_a_to_each_recipient_is_addressed_there(
    people: tuple[Mailbox, ...], sent_to: Mailbox, visible: tuple[tuple[Mailbox, ...], ...]
) -> None:
    sent = message(
        RULES.claim(an_email_to(*people), Dispatch("a", keys(sent_to)), 30_000, 0),
        CONTENT,
    )
    assert (sent.to, sent.cc, sent.bcc) == ((sent_to,), (), ())
    assert (sent.visible_to, sent.visible_cc) == visible
