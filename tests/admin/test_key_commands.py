"""`python -m app.admin keys`."""

import json
import re
import time

import pytest

from app.domain.lane import Lane
from app.store.api_keys import ApiKeyItem, ApiKeys
from tests.admin.conftest import Run
from tests.support.damage import put


def keys() -> ApiKeys:
    return ApiKeys(time.time)


TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_a_key_is_created_used_listed_and_revoked(run: Run) -> None:
    made = run(
        "keys",
        "create",
        "shop",
        "--scope",
        "send",
        "--scope",
        "read",
        "--domain",
        "Example.COM",
        "--project",
        "web-shop",
        "--lane",
        "bulk",
    )
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip()
    key = keys().find(secret)
    assert key is not None
    assert (key.name, key.project, key.lane) == ("shop", "web-shop", Lane.BULK)
    assert (key.scopes, key.domains) == (frozenset({"send", "read"}), ("example.com",))
    heads, line = run("keys", "list").stdout.splitlines()
    columns = ["ID", "NAME", "PROJECT", "LANE", "SCOPES", "FROM", "RATE", "CREATED", "LAST", "USED", "STATE"]
    assert heads.split() == columns
    assert re.fullmatch(
        rf"{key.id[:12]}  shop  web-shop  bulk  read,send  example\.com  any   \d{{4}}-\d\d-\d\d  {TIME}  in use", line
    )
    (record,) = json.loads(run("keys", "list", "--json").stdout)
    assert record.items() >= {"id": key.id[:12], "name": "shop", "domains": ["example.com"], "state": "in use"}.items()
    assert secret not in line
    revoked = run("keys", "revoke", "shop")
    assert (revoked.exit_code, revoked.stdout) == (0, f"revoked {key.id[:12]} shop\n")
    assert keys().find(secret) is None
    assert re.search(r"  revoked \d{4}-\d\d-\d\d\n$", run("keys", "list").stdout)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--scope", "everything"), "--scope: 'everything' is not one of send, read, admin"),
        *(
            (("--scope", "send", "--domain", text), f"--domain: {text!r} is not a domain such as example.com")
            for text in ("example", "*.example.com", "ann@example.com", "a_b.example", "")
        ),
        *(
            (
                ("--scope", "send", "--project", text),
                f"--project: {text!r} is not the name of a project: 1 to 40 of a-z, 0-9 and -",
            )
            for text in ("Shop", "a b", "a#b", "ü", "a" * 41, "")
        ),
    ],
)
def test_a_key_of_unknown_scope_or_domain_or_of_no_project_is_not_made(
    run: Run, options: tuple[str, ...], complaint: str
) -> None:
    before = keys().all()
    done = run("keys", "create", "odd", *options)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", complaint + "\n")
    assert keys().all() == before


def test_a_key_that_names_no_project_is_of_the_default_one(run: Run) -> None:
    key = keys().find(run("keys", "create", "plain", "--scope", "send").stdout.strip())
    assert key is not None
    assert key.project == "default"


def test_a_domain_of_a_key_is_kept_in_its_one_form(run: Run) -> None:
    key = keys().find(run("keys", "create", "books", "--scope", "send", "--domain", "Bücher.example").stdout.strip())
    assert key is not None
    assert key.domains == ("xn--bcher-kva.example",)


def test_a_rate_limit_is_kept_listed_and_passed_on(run: Run) -> None:
    secret = run("keys", "create", "slow", "--scope", "send", "--rate-limit", "10").stdout.strip()
    key = keys().find(secret)
    assert key is not None
    assert key.rate_limit == 10
    assert "  10/s  " in run("keys", "list").stdout
    records = json.loads(run("keys", "list", "--json").stdout)
    assert {record["rate_limit"] for record in records if record["name"] == "slow"} == {10}
    new = keys().find(run("keys", "replace", "slow").stdout.strip())
    assert new is not None
    assert new.rate_limit == 10


@pytest.mark.parametrize("value", ["0", "-1", "10001", "many"])
def test_a_rate_limit_that_is_none(run: Run, value: str) -> None:
    refused = run("keys", "create", "slow", "--scope", "send", "--rate-limit", value)
    assert refused.exit_code != 0
    assert "--rate-limit" in refused.stderr


def test_a_key_is_revoked_by_the_beginning_of_its_id(run: Run) -> None:
    key = keys().find(run("keys", "create", "one", "--scope", "send").stdout.strip())
    assert key is not None
    assert run("keys", "revoke", key.id[:12]).exit_code == 0


def test_a_name_that_is_not_one_keys_revokes_none(run: Run) -> None:
    twins = [keys().find(run("keys", "create", "twin", "--scope", "send").stdout.strip()) for _ in range(2)]
    ids = {twin.id[:12] for twin in twins if twin is not None}
    done = run("keys", "revoke", "twin")
    said, _, named = done.stderr.rstrip().rpartition(": ")
    assert (done.exit_code, said) == (1, "'twin' names 2 keys that are in use; name one by its id")
    assert set(named.split(", ")) == ids
    nobody = run("keys", "revoke", "nobody")
    assert (nobody.exit_code, nobody.stderr) == (1, "'nobody' names 0 keys that are in use; see `keys list`\n")


def test_a_replaced_key_is_revoked_and_the_new_one_may_do_the_same(run: Run) -> None:
    made = run("keys", "create", "till", "--scope", "send", "--domain", "example.com", "--project", "shop")
    before = made.stdout.strip()
    old = keys().find(before)
    assert old is not None
    done = run("keys", "replace", "till")
    assert (done.exit_code, done.stderr) == (0, f"revoked {old.id[:12]} till\n")
    new = keys().find(done.stdout.strip())
    assert new is not None
    assert (new.name, new.scopes, new.domains, new.project) == ("till", old.scopes, old.domains, "shop")
    assert new.id != old.id
    assert keys().find(before) is None
    again = run("keys", "replace", old.id[:12])
    assert (again.exit_code, again.stdout) == (1, "")
    assert "names 0 keys that are in use" in again.stderr


def test_a_rotated_key_works_beside_the_new_one(run: Run) -> None:
    before = run("keys", "create", "counter", "--scope", "send", "--domain", "example.com").stdout.strip()
    assert re.search(r"  –  +in use\n$", run("keys", "list").stdout)  # never used
    done = run("keys", "rotate", "counter", "--overlap-hours", "2")
    ends = re.fullmatch(rf"[0-9a-f]{{12}} counter works until ({TIME})\n", done.stderr)
    assert done.exit_code == 0
    assert ends
    old, new = keys().find(before), keys().find(done.stdout.strip())
    assert old is not None
    assert new is not None
    assert (new.name, new.scopes, new.domains, new.project) == (old.name, old.scopes, old.domains, old.project)
    assert f"works until {ends[1]}\n" in run("keys", "list").stdout
    record = json.loads(run("keys", "rotate", new.id[:12], "--overlap-hours", "0", "--json").stdout)
    assert record.keys() == {"key", "name", "rotated", "ends"}
    assert keys().find(done.stdout.strip()) is None
    assert re.search(r"  ended 20", run("keys", "list").stdout)
    assert run("keys", "rotate", "nobody").exit_code == 1


def test_a_damaged_key_hides_no_other_and_can_be_revoked(run: Run) -> None:
    secret = run("keys", "create", "fine", "--scope", "send").stdout.strip()
    put(ApiKeyItem, {"key_sha256": {"S": "f" * 64}, "name": {"S": "bad"}, "created_at": {"N": "1"}})
    listed = run("keys", "list")
    assert listed.exit_code == 0
    assert "  fine  " in listed.stdout
    assert re.search(
        "ffffffffffff  .*cannot be read by this version, and authenticates nothing; not revoked\n", listed.stdout
    )
    replaced = run("keys", "replace", "ffff")
    assert (replaced.exit_code, replaced.stdout) == (1, "")
    assert "ffffffffffff cannot be read" in replaced.stderr
    assert run("keys", "revoke", "fine").exit_code == 0
    assert keys().find(secret) is None
    revoked = run("keys", "revoke", "key_ffff")  # as the API names keys
    assert (revoked.exit_code, revoked.stdout) == (0, "revoked ffffffffffff\n")
    assert "authenticates nothing; revoked\n" in run("keys", "list").stdout
    assert run("keys", "revoke", "ffff").exit_code == 1


def test_a_test_key_needs_no_scope_and_is_listed_and_replaced_as_one(run: Run) -> None:
    secret = run("keys", "create", "ci", "--test", "--project", "shop").stdout.strip()
    assert secret.startswith("em_test_")
    key = keys().find(secret)
    assert key is not None
    assert (key.is_test, key.scopes) == (True, frozenset({"send", "read"}))
    (line,) = [line for line in run("keys", "list").stdout.splitlines() if line.startswith(key.id[:12])]
    assert re.split("  +", line)[1:3] == ["ci", "shop (test)"]
    (record,) = [one for one in json.loads(run("keys", "list", "--json").stdout) if one["id"] == key.id[:12]]
    assert (record["project"], record["test"]) == ("shop", True)
    other = keys().find(run("keys", "replace", "ci").stdout.strip())
    assert other is not None
    assert (other.is_test, other.project) == (True, key.project)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ((), "--scope: say what the key may do: send, read, admin; it may be repeated"),
        (("--test", "--scope", "admin"), "--scope: a test key may not have admin, which is for real providers"),
        (("--test", "--project", "test:shop"), "--project: 'test:shop' is not the name of a project"),
    ],
)
def test_a_key_that_may_do_nothing_and_a_test_key_that_may_operate_are_not_made(
    run: Run, options: tuple[str, ...], complaint: str
) -> None:
    before = keys().all()
    refused = run("keys", "create", "ci", *options)
    assert refused.exit_code == 1
    assert complaint in refused.output
    assert keys().all() == before
