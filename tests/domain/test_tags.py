"""The tags by which an email is found."""

import pytest

from app.domain.email import Content, Email, Mailbox
from app.domain.project import check_project
from app.domain.tags import MOST_BYTES, found_by, tags_of


def an_email(*tags: str, **metadata: str) -> Email:
    """An email with these tags, the metadata being tags with a value, except `plain`."""
    content = Content("Hello", text="It works.", tags=tags, metadata=metadata)
    named = tuple(name for name in metadata if name != "plain")
    return Email(Mailbox("a@example.com"), (Mailbox("b@example.net"),), content, named_tags=named)


def test_a_tag_with_a_value_is_one_text_and_other_metadata_is_no_tag() -> None:
    assert tags_of(an_email("receipt", order="7", plain="x")) == ("receipt", "order=7")
    assert tags_of(an_email()) == ()


@pytest.mark.parametrize(
    ("tags", "texts"),
    [
        (("receipt",), ("receipt",)),
        (("order=7", "order=8"), ("order=7", "order", "order=8")),
        (("a=b=c",), ("a=b=c", "a")),
        (("=x",), ("=x",)),
        (("receipt", "receipt"), ("receipt",)),
        ((), ()),
    ],
)
def test_a_tag_is_found_whole_and_by_what_stands_before_its_first_equals_sign(
    tags: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    assert found_by(tags) == texts


@pytest.mark.parametrize("letter", ["x", "ü", "漢"])
def test_a_head_keeps_so_many_bytes_of_tags_and_whole_ones_only(letter: str) -> None:
    labels = [letter * 120 + str(number) for number in range(10)]
    metadata = {f"name{number}": letter * 500 for number in range(20)}
    kept = tags_of(an_email(*labels, **metadata))
    assert kept[:10] == tuple(labels)
    assert sum(len(tag.encode()) for tag in kept) <= MOST_BYTES
    assert len(kept) < 30
    assert all(tag in labels or tag.partition("=")[2] == letter * 500 for tag in kept)


@pytest.mark.parametrize("name", ["a", "shop", "web-shop", "0", "-", "a" * 40])
def test_the_name_of_a_project(name: str) -> None:
    assert check_project(name) == name


@pytest.mark.parametrize("name", ["", "a" * 41, "Shop", "a b", "a_b", "a#b", "ü", "a\n", "a.b", "٣"])
def test_what_is_no_name_of_a_project(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 40 of a-z, 0-9 and -"):
        check_project(name)
