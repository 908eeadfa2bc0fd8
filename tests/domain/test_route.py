"""Where each provider stands for an email, in which order, and why."""

from collections import Counter
from dataclasses import replace

import pytest

from app.domain.dispatch import DispatchContext
from app.domain.health import Health
from app.domain.route import DAY_MS, PAUSE_CHECK_MS, Availability, Candidate, Caps, Routing, RoutingPolicy, route

NOW_MS = 1_800_000_000_000
NAMES = ("sendgrid", "mailgun", "ses")
ROUTING = Routing(NAMES)


def routed(
    *healths: Health,
    routing: Routing = ROUTING,
    email_id: str = "eml_1",
    restrict: tuple[str, ...] = (),
    domains: frozenset[str] = frozenset({"example.net"}),
    sent_today: dict[str, int] | None = None,
) -> tuple[Candidate, ...]:
    known = {name: Health(name) for name in NAMES} | {health.provider: health for health in healths}
    return route(routing, known, sent_today or {}, email_id=email_id, restrict=restrict, domains=domains, now_ms=NOW_MS)


def names(candidates: tuple[Candidate, ...]) -> list[str]:
    return [candidate.provider for candidate in candidates]


def only(health: Health, routing: Routing = ROUTING, sent_today: int = 0) -> Candidate:
    (candidate,) = [s for s in routed(health, routing=routing, sent_today={"ses": sent_today}) if s.provider == "ses"]
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
    assert candidate == Candidate("ses", Availability.PAUSED, "paused by an operator", NOW_MS + PAUSE_CHECK_MS)


def test_an_open_breaker_closes_a_provider_until_its_probe() -> None:
    opened = Health("ses", breaker_until_ms=NOW_MS + 30_000, breaker_reason="401 no such key")
    assert only(opened) == Candidate(
        "ses", Availability.UNAVAILABLE_FOR_NOW, "breaker open: 401 no such key", NOW_MS + 30_000
    )
    probe = only(replace(opened, breaker_until_ms=NOW_MS))
    assert (probe.availability, probe.reserve) == (Availability.AVAILABLE, True)
    assert probe.why == "breaker open: 401 no such key; this email may probe it"
    under_way = only(replace(opened, breaker_until_ms=NOW_MS, probe_until_ms=NOW_MS + 9))
    assert (under_way.availability, under_way.until_ms) == (Availability.UNAVAILABLE_FOR_NOW, NOW_MS + 9)
    assert under_way.why.endswith("a probe is under way")
    assert only(replace(opened, breaker_until_ms=NOW_MS, probe_until_ms=NOW_MS)).availability is Availability.AVAILABLE


def test_a_rest_closes_a_provider_until_it_ends() -> None:
    assert only(Health("ses", cooldown_until_ms=NOW_MS + 1)) == Candidate(
        "ses", Availability.UNAVAILABLE_FOR_NOW, "cooldown after throttling", NOW_MS + 1
    )
    assert only(Health("ses", cooldown_until_ms=NOW_MS)).availability is Availability.AVAILABLE


def test_a_daily_cap_closes_a_provider_until_midnight_utc() -> None:
    routing = replace(ROUTING, caps={"ses": Caps(daily=100)})
    assert only(Health("ses"), routing, sent_today=99).availability is Availability.AVAILABLE
    full = only(Health("ses"), routing, sent_today=100)
    assert (full.availability, full.why) == (Availability.PAUSED, "its daily cap of 100 is reached")
    assert full.until_ms is not None
    assert full.until_ms % DAY_MS == 0
    assert 0 < full.until_ms - NOW_MS <= DAY_MS


def test_a_cap_per_second_makes_its_emails_take_a_place() -> None:
    routing = replace(ROUTING, caps={"ses": Caps(per_second=5)})
    assert only(Health("ses"), routing).reserve
    assert not only(Health("ses")).reserve


def test_circumstances_tell_who_is_in_and_may_lose_one() -> None:
    around = DispatchContext.all_available(NAMES)
    assert around.providers(Availability.AVAILABLE) == NAMES
    assert around.providers(Availability.AVAILABLE, Availability.UNAVAILABLE_FOR_NOW) == NAMES
    less = around.without("mailgun", NOW_MS)
    assert less.providers(Availability.AVAILABLE) == ("sendgrid", "ses")
    assert less.candidate("mailgun") == Candidate(
        "mailgun", Availability.UNAVAILABLE_FOR_NOW, "no place free right now", NOW_MS
    )
