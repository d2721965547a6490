import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgrad.report.bars import EIGHTHS, FULL, HEIGHTS, LogScale, bar, sparkline

positive = st.floats(1e-300, 1e300)


@given(st.lists(positive, min_size=1))
def test_every_number_has_a_length_on_the_scale_that_spans_it(values: list[float]) -> None:
    scale = LogScale.spanning(values)
    assert all(0.0 < scale.fraction(value) <= 1.0 for value in values)


def test_a_scale_is_in_whole_decades_and_never_short() -> None:
    assert LogScale.spanning([3e-18, 2.0]) == LogScale(-18, 1)
    assert LogScale.spanning([1.1, 1.2]) == LogScale(-3, 1)
    assert LogScale.spanning([0.0, math.nan, math.inf]) == LogScale(-4, 0)


@given(st.lists(positive), st.lists(positive))
def test_a_stretched_scale_only_grows(before: list[float], after: list[float]) -> None:
    scale = LogScale.spanning(before)
    longer = scale.stretched(after)
    assert longer.low <= scale.low
    assert longer.high >= scale.high
    assert all(0.0 < longer.fraction(value) <= 1.0 for value in after)


def test_each_decade_is_as_long_as_the_next() -> None:
    scale = LogScale(-10, 0)
    assert [scale.fraction(10.0**k) for k in (-10, -5, -1, 0)] == pytest.approx([0, 0.5, 0.9, 1])


def test_what_is_no_positive_number_has_no_length_and_infinity_all() -> None:
    scale = LogScale(-4, 0)
    assert [scale.fraction(value) for value in (0.0, -1.0, math.nan, math.inf)] == [0, 0, 0, 1]


@given(st.floats(0.0, 1.0), st.integers(1, 80))
def test_a_bar_is_as_long_as_its_fraction_to_an_eighth(fraction: float, width: int) -> None:
    drawn = bar(fraction, width)
    eighths = 8 * drawn.count(FULL) + sum(EIGHTHS.index(sign) for sign in drawn if sign != FULL)
    assert len(drawn) <= width
    if fraction > 0.0:
        assert abs(eighths - 8 * width * fraction) <= 1.0  # one is drawn where it rounds to none
        assert drawn
    else:
        assert not drawn


@given(st.integers(-320, 0), st.integers(1, 308), st.integers(1, 60))
def test_a_ruler_is_no_wider_than_its_bars(low: int, high: int, width: int) -> None:
    assert len(LogScale(low, high).ruler(width)) <= width


def test_a_ruler_names_both_ends() -> None:
    assert LogScale(-18, 0).ruler(20) == "1e-18 ────────── 1e0"


def test_a_sparkline_goes_from_the_lowest_block_to_the_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == HEIGHTS
    assert sparkline([1e-8, 1e-4, 1.0], log=True) == "▁▅█"
    assert sparkline([2.0, 2.0]) == "▁▁"


def test_a_sparkline_leaves_a_gap_where_there_is_no_number() -> None:
    assert sparkline([1.0, math.nan, 2.0]) == "▁ █"
    assert sparkline([math.nan, math.inf]) == "  "
    assert sparkline([0.0, 1.0, 10.0], log=True) == " ▁█"
    assert sparkline([]) == ""
