import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgrad.report.numbers import accuracy, counted, duration, loss, number, percent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1.00"),
        (0.03119, "0.0312"),
        (0.009994, "1.0e-2"),  # two digits where an exponent is needed
        (0.009996, "0.0100"),  # three round it up to where none is
        (999.6, "1000"),
        (9999.6, "1.0e4"),
        (1.234e-17, "1.2e-17"),
        (-1.26e300, "-1.3e300"),
        (5e-324, "4.9e-324"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "—"),
    ],
)
def test_a_number_is_spelt_short(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(), st.integers(2, 6))
def test_a_number_is_never_wider_than_its_digits_and_six(value: float, digits: int) -> None:
    assert len(number(value, digits)) <= digits + 6


@given(st.floats(-1e308, 1e308), st.integers(2, 6))  # 1.7e308 rounds up to infinity
def test_a_number_reads_back_to_its_digits(value: float, digits: int) -> None:
    # half a unit of the last digit of the shorter form, which the leading digit 1 makes largest
    tolerance = 0.51 * 10.0 ** (2 - digits)
    smallest_normal = 2.3e-308  # below it the number itself has fewer digits
    assert float(number(value, digits)) == pytest.approx(value, rel=tolerance, abs=smallest_normal)


def test_what_stands_for_nan_can_be_chosen() -> None:
    for spell in (number, percent, accuracy, loss):
        assert spell(math.nan, missing="nan") == "nan"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (1e-9, "<1%"), (0.5, "50%"), (0.999, ">99%"), (1.0, "100%"), (math.nan, "—")],
)
def test_a_share_is_none_or_all_only_where_it_is(share: float, text: str) -> None:
    assert percent(share) == text


def test_an_accuracy_has_a_decimal_and_a_loss_four_digits() -> None:
    assert (accuracy(0.9744), loss(2.30259)) == ("97.4%", "2.303")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.123, "0.12 s"),
        (59.4, "59 s"),
        (59.6, "1:00"),
        (3599.7, "1:00:00"),
        (100000.0, "27:46:40"),
        (math.inf, "—"),
        (math.nan, "—"),
    ],
)
def test_a_duration_reads_like_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts_agree_with_their_noun() -> None:
    assert (counted(1, "layer"), counted(1000, "layer")) == ("1 layer", "1,000 layers")
