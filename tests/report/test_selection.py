from hypothesis import given
from hypothesis import strategies as st

from vgrad.report.selection import ALL_UP_TO, ENDS, evenly, left_out_before, select_layers


def test_a_thousand_layers_are_shown_by_head_tail_and_even_steps() -> None:
    shown = select_layers(1001)
    assert shown[:ENDS] == (0, 1, 2, 3)
    assert shown[-ENDS:] == (997, 998, 999, 1000)
    gaps = [gap for gap in left_out_before(shown) if gap]
    assert max(gaps) - min(gaps) <= 1
    assert len(shown) + len(gaps) <= 40  # lines


def test_all_layers_are_shown_where_they_are_few_or_asked_for() -> None:
    assert select_layers(ALL_UP_TO) == tuple(range(ALL_UP_TO))
    assert select_layers(5000, all_layers=True) == tuple(range(5000))
    assert select_layers(0) == ()


@given(st.integers(0, 5000))
def test_layers_shown_and_left_out_are_all_there_are(count: int) -> None:
    shown = select_layers(count)
    left_out = left_out_before(shown)
    assert list(shown) == sorted(set(shown))
    assert len(shown) + sum(left_out) == count
    assert 1 not in left_out  # its line would have held the layer


@given(st.integers(1, 5000), st.integers(2, 60))
def test_even_indices_begin_and_end_with_the_first_and_the_last(count: int, rows: int) -> None:
    chosen = evenly(count, rows)
    assert chosen[0] == 0
    assert chosen[-1] == count - 1
    assert len(chosen) == min(count, rows)
    assert len(set(chosen)) == len(chosen)
