"""What is packed keeps its order, and nothing is opened for what would have fitted."""

from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain.packing import packed


@given(st.lists(st.integers(1, 60)), st.integers(1, 100), st.none() | st.integers(1, 5))
def test_everything_is_packed_once_in_its_order(sizes: list[int], most_bytes: int, most: int | None) -> None:
    lists = list(packed(sizes, int, most_bytes, most))
    assert list(chain.from_iterable(lists)) == sizes
    assert all(len(one) == 1 or sum(one) <= most_bytes for one in lists)
    assert all(0 < len(one) <= (most or len(sizes)) for one in lists)
    for one, following in pairwise(lists):
        assert len(one) == most or sum(one) + following[0] > most_bytes
