"""Where each provider stands for an email, in which order, and why."""

from collections import Counter
from dataclasses import replace

import pytest

from app.domain.caps import DAY_MS, Caps, Limit
from app.domain.dispatch import DispatchContext
from app.domain.health import Health
from app.domain.route import PAUSE_CHECK_MS, Availability, Candidate, Routing, RoutingPolicy, route

NOW_MS = 1_800_000_000_000
NAMES = ("sendgrid", "mailgun", "ses")
ROUTING = Routing(NAMES)


def routed(
    *healths: Health,
    routing: Routing = ROUTING,
    email_id: str = "eml_1",
    restrict: tuple[str, ...] = (),
    domains: frozenset[str] = frozenset({"example.net"}),
    left_today: dict[str, int] | None = None,
    recipients: int = 1,
) -> tuple[Candidate, ...]:
    known = {name: Health(name) for name in NAMES} | {health.provider: health for health in healths}
    return route(
        routing,
        known,
        left_today or {},
        email_id=email_id,
        recipients=recipients,
        restrict=restrict,
        domains=domains,
        now_ms=NOW_MS,
    )


def names(candidates: tuple[Candidate, ...]) -> list[str]:
    return [candidate.provider for candidate in candidates]


def only(health: Health, routing: Routing = ROUTING, left: int = 0, recipients: int = 1) -> Candidate:
    found = routed(health, routing=routing, left_today={"ses": left}, recipients=recipients)
    (candidate,) = [candidate for candidate in found if candidate.provider == "ses"]
    return candidate


@pytest.mark.parametrize(
    ("weight", "order"), [(50, ["sendgrid", "mailgun", "ses"]), (40, ["mailgun", "ses", "sendgrid"])]
)
def test_by_priority_a_provider_keeps_its_place_or_goes_behind(weight: int, order: list[str]) -> None:
    assert names(routed(Health("sendgrid", weight))) == order


def test_by_priority_the_low_ones_keep_the_order_among_themselves() -> None:
    assert names(routed(Health("sendgrid", 0), Health("mailgun", 40))) == ["ses", "sendgrid", "mailgun"]
    assert names(routed(*(Health(name, weight) for name, weight in zip(NAMES, (0, 20, 40), strict=True)))) == list(
        NAMES
    )


def test_by_weight_the_same_email_always_draws_the_same_lot() -> None:
    routing = replace(ROUTING, policy=RoutingPolicy.WEIGHTED)
    orders = {email_id: names(routed(routing=routing, email_id=email_id)) for email_id in map(str, range(50))}
    assert all(names(routed(routing=routing, email_id=email_id)) == order for email_id, order in orders.items())
    assert len({tuple(order) for order in orders.values()}) == 6


def test_by_weight_firsts_are_in_proportion_to_the_weights() -> None:
    routing = replace(ROUTING, policy=RoutingPolicy.WEIGHTED)
    healths = [Health("sendgrid", 100), Health("mailgun", 60), Health("ses", 40)]
    firsts = Counter(routed(*healths, routing=routing, email_id=f"eml_{n}")[0].provider for n in range(4000))
    for name, share in (("sendgrid", 0.5), ("mailgun", 0.3), ("ses", 0.2)):
        assert firsts[name] / 4000 == pytest.approx(share, abs=0.04)


def test_by_weight_a_provider_at_zero_is_drawn_last_but_is_in() -> None:
    routing = replace(ROUTING, policy=RoutingPolicy.WEIGHTED)
    lasts = Counter(routed(Health("ses", 0), routing=routing, email_id=str(n))[-1].provider for n in range(500))
    assert lasts["ses"] > 450
    assert only(Health("ses", 0), routing).availability is Availability.AVAILABLE


def test_a_preference_of_every_recipients_domain_counts_and_a_torn_one_does_not() -> None:
    wish = ("ses",)
    routing = replace(ROUTING, preferences={"example.net": wish, "example.org": wish, "example.com": ("mailgun",)})
    assert names(routed(routing=routing)) == ["ses", "sendgrid", "mailgun"]
    assert names(routed(routing=routing, domains=frozenset({"example.net", "example.org"})))[0] == "ses"
    assert names(routed(routing=routing, domains=frozenset({"example.net", "example.com"}))) == list(NAMES)
    assert names(routed(routing=routing, domains=frozenset({"example.net", "other.example"}))) == list(NAMES)
    assert names(routed(routing=routing, domains=frozenset())) == list(NAMES)


def test_a_preference_goes_before_weights_and_names_as_many_as_it_likes() -> None:
    routing = replace(ROUTING, preferences={"example.net": ("ses", "mailgun")})
    assert names(routed(Health("ses", 0), routing=routing)) == ["ses", "mailgun", "sendgrid"]


def test_an_email_may_restrict_its_providers() -> None:
    candidates = routed(restrict=("ses", "mailgun"))
    assert [(s.provider, s.availability) for s in candidates] == [
        ("sendgrid", Availability.EXCLUDED),
        ("mailgun", Availability.AVAILABLE),
        ("ses", Availability.AVAILABLE),
    ]
    assert candidates[0].why == "not among the email's providers"


def test_a_healthy_provider_is_in() -> None:
    assert only(Health("ses")) == Candidate("ses", Availability.AVAILABLE, "healthy")


def test_a_low_weight_is_told() -> None:
    assert only(Health("ses", 30)).why == "weight 30: behind the healthy ones"


def test_a_paused_provider_is_looked_at_again_later() -> None:
    candidate = only(Health("ses", paused=True, breaker_until_ms=NOW_MS + 5))
    why = "paused by an operator"
    assert candidate == Candidate("ses", Availability.PAUSED, why, NOW_MS + PAUSE_CHECK_MS, limit=Limit.PAUSE)


def test_an_open_breaker_closes_a_provider_until_its_probe() -> None:
    opened = Health("ses", breaker_until_ms=NOW_MS + 30_000, breaker_reason="401 no such key")
    assert only(opened) == Candidate(
        "ses", Availability.UNAVAILABLE_FOR_NOW, "breaker open", NOW_MS + 30_000, words="401 no such key"
    )
    probe = only(replace(opened, breaker_until_ms=NOW_MS))
    assert (probe.availability, probe.probes) == (Availability.AVAILABLE, True)
    assert (probe.why, probe.words) == ("breaker open; this email may probe it", "401 no such key")
    under_way = only(replace(opened, breaker_until_ms=NOW_MS, probe_until_ms=NOW_MS + 9))
    assert (under_way.availability, under_way.until_ms) == (Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 9)
    assert under_way.why.endswith("a probe is under way")
    assert only(replace(opened, breaker_until_ms=NOW_MS, probe_until_ms=NOW_MS)).availability is Availability.AVAILABLE


def test_a_quota_that_is_used_up_pauses_a_provider_until_a_probe() -> None:
    over = Health("ses", breaker_until_ms=NOW_MS + 30_000, breaker_reason="Daily quota", over_quota=True)
    why = "waits for the quota of ses, which is used up"
    assert only(over) == Candidate(
        "ses", Availability.PAUSED, why, NOW_MS + 30_000, limit=Limit.QUOTA, words="Daily quota"
    )
    probed = replace(over, breaker_until_ms=NOW_MS, probe_until_ms=NOW_MS + 9)
    assert (only(probed).availability, only(probed).until_ms) == (Availability.PAUSED, NOW_MS + 9)
    assert only(replace(over, breaker_until_ms=NOW_MS)).probes


def test_a_rest_closes_a_provider_until_it_ends() -> None:
    assert only(Health("ses", cooldown_until_ms=NOW_MS + 1)) == Candidate(
        "ses", Availability.UNAVAILABLE_FOR_NOW, "cooldown after throttling", NOW_MS + 1, cools=True
    )
    assert only(Health("ses", cooldown_until_ms=NOW_MS)).availability is Availability.AVAILABLE


MIDNIGHT_MS = (NOW_MS // DAY_MS + 1) * DAY_MS


def test_a_daily_cap_pauses_a_provider_until_midnight_utc_in_a_sentence() -> None:
    routing = replace(ROUTING, caps={"ses": Caps(daily=100)})
    assert only(Health("ses"), routing, left=1).availability is Availability.AVAILABLE
    assert only(Health("ses"), routing, left=0) == Candidate(
        "ses",
        Availability.PAUSED,
        "waits for the daily cap of ses (100 recipients) until 2027-01-16T00:00:00Z",
        MIDNIGHT_MS,
        limit=Limit.DAILY_CAP,
    )


def test_a_call_that_does_not_fit_whole_is_told_so() -> None:
    routing = replace(ROUTING, caps={"ses": Caps(daily=100)})
    assert only(Health("ses"), routing, left=50, recipients=50).availability is Availability.AVAILABLE
    told = only(Health("ses"), routing, left=49, recipients=50)
    assert (told.availability, told.until_ms) == (Availability.PAUSED, MIDNIGHT_MS)
    assert "too few places for a call to 50," in told.why
    never = only(Health("ses"), routing, left=100, recipients=101)
    assert "(100 recipients), into which a call to 101 never fits, until" in never.why


@pytest.mark.parametrize(
    "health",
    [
        Health("ses", breaker_until_ms=NOW_MS + 5),
        Health("ses", breaker_until_ms=NOW_MS),
        Health("ses", cooldown_until_ms=NOW_MS + 5),
        Health("ses", weight=0),
    ],
)
def test_a_daily_cap_counts_whatever_else_is_wrong(health: Health) -> None:
    routing = replace(ROUTING, caps={"ses": Caps(daily=1)})
    assert only(health, routing, left=0).availability is Availability.PAUSED


def test_whose_places_are_not_known_has_all_of_them() -> None:
    routing = replace(ROUTING, caps={"ses": Caps(daily=1)})
    assert routed(routing=routing)[2].availability is Availability.AVAILABLE


def test_circumstances_tell_who_is_in_and_may_lose_one() -> None:
    around = DispatchContext.all_available(NAMES)
    assert around.providers(Availability.AVAILABLE) == NAMES
    assert around.providers(Availability.AVAILABLE, Availability.UNAVAILABLE_FOR_NOW) == NAMES
    less = around.changed(Candidate("mailgun", Availability.PAUSED, "no place is free", NOW_MS))
    assert less.providers(Availability.AVAILABLE) == ("sendgrid", "ses")
    assert less.candidate("mailgun") == Candidate("mailgun", Availability.PAUSED, "no place is free", NOW_MS)
    assert names(less.route) == list(NAMES)
