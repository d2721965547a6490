"""Several values in one text, as the command line and sweep files have them."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgrad.errors import RequestError
from vgrad.sweep.values import MOST_VALUES, values_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5,10,20", [5, 10, 20]),
        (" 5 , 10 ", [5, 10]),
        ("5,", [5]),
        ("tanh,relu", ["tanh", "relu"]),
        ("1e-4,0.1", [1e-4, 0.1]),
        ("true,false", [True, False]),
        ("null,1", [None, 1]),
        ("'a,b',c", ["a,b", "c"]),
        ("[64, 32],[16]", [[64, 32], [16]]),
        ("{name: sgd, lr: 0.1},adam", [{"name": "sgd", "lr": 0.1}, "adam"]),
        ("range(3)", [0, 1, 2]),
        ("range(2, 5)", [2, 3, 4]),
        ("range(10,0,-5)", [10, 5]),
        (" range( 0,2 ) ", [0, 1]),
        ("lin(0,1,3)", [0.0, 0.5, 1.0]),
        ("lin(10,50,5)", [10, 20, 30, 40, 50]),
        ("lin(1,2,3)", [1.0, 1.5, 2.0]),
        ("lin(1,2,1)", [1]),
        ("log(1e-4,1e-1,4)", [1e-4, 1e-3, 1e-2, 1e-1]),
        ("log(4,64,5)", [4, 8, 16, 32, 64]),
        ("log(1,1e-2,3)", [1.0, 0.1, 0.01]),
    ],
)
def test_a_text_lists_or_computes_values(text: str, values: list[object]) -> None:
    found = values_of(text)
    assert found == values
    assert list(map(type, found or [])) == list(map(type, values))  # 1 is neither 1.0 nor true


@pytest.mark.parametrize(
    "text",
    ["5", "tanh", "[64, 32]", "{name: sgd, lr: 0.1}", "'a,b'", '"range(3)"', "a]b.csv", "null"],
)
def test_a_single_value_is_left_to_the_config(text: str) -> None:
    assert values_of(text) is None


def test_computed_numbers_have_no_needless_digits() -> None:
    assert values_of("lin(0.1,0.7,7)") == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert values_of("lin(-0.3,0.3,7)") == [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "nothing is given"),
        ("  ", "nothing is given"),
        (",", "is not valid YAML"),
        ("5,,6", "is not valid YAML"),
        ("5,[6", "is not valid YAML"),
        ("[1, ", "is not valid YAML"),
        ("1,*a", "the alias *a is refused"),
        ("1,!!int 2", "the tag !!int is refused"),
        ("1,99999999999999999999", "the number is too large"),
        ('1,"a\\0b"', "holds the control character"),
        ("range()", "range() is not understood; range(STOP), "),
        ("range(1,2,3,4)", "is not understood"),
        ("range(a)", "range(a) is not understood"),
        ("range(1.5)", "range takes whole numbers"),
        ("range(0,5,0)", "range takes whole numbers"),
        ("range(5,0)", "range(5,0) has no values"),
        ("range(0,1000000000)", "1,000,000,000 values; a whole number up to 100,000"),
        ("range(0,99999999999999999999)", "the number is too large"),
        ("range(0,3),range(5,8)", "is not understood"),
        ("lin(0,1)", "lin(0,1) is not understood; lin(FROM,TO,COUNT)"),
        ("lin(0,1,0)", "has no values"),
        ("lin(0,1,-2)", "has no values"),
        ("lin(0,1,2.5)", "2.5 values; a whole number up to 100,000"),
        ("lin(0,1,1e300)", "1e+300 values"),
        ("lin(0,.inf,3)", "is not understood"),
        ("lin(0,true,3)", "is not understood"),
        ("lin(-1e308,1e308,3)", "lin cannot span that much"),
        ("log(0,1,3)", "log needs positive numbers"),
        ("log(-1,1,3)", "log needs positive numbers"),
        ("linspace(0,1,3)", "'linspace' computes no values; a list such as 5,10,20"),
        ("__import__(0)", "computes no values"),
        ("rnage(3)", "did you mean range?"),
    ],
)
def test_what_is_not_understood_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        values_of(text)
    (problem,) = caught.value.problems
    assert message in str(problem)
    assert "\n" not in str(problem)


def test_as_many_values_as_runs_can_be_computed() -> None:
    assert len(values_of(f"range({MOST_VALUES})") or ()) == MOST_VALUES
    with pytest.raises(RequestError):
        values_of(f"range({MOST_VALUES + 1})")


POSITIVE = st.floats(1e-300, 1e300)


@given(POSITIVE, POSITIVE, st.integers(2, 50))
def test_log_is_even_in_the_logarithm_and_has_both_ends(low: float, high: float, n: int) -> None:
    values = [float(str(one)) for one in values_of(f"log({low!r},{high!r},{n})") or ()]
    assert len(values) == n
    assert values[0] == pytest.approx(low, rel=1e-11)  # twelve digits are kept
    assert values[-1] == pytest.approx(high, rel=1e-11)
    steps = [math.log(b) - math.log(a) for a, b in pairwise(values)]
    # each value is off by up to 5e-13, and the power of ten by some 1e-13 of a logarithm ≤ 700
    assert steps == pytest.approx([(math.log(high) - math.log(low)) / (n - 1)] * (n - 1), abs=1e-11)


@given(st.text("0159.,-e()[]{}:'\"# \nalogrinx&*!\\\0", max_size=30))
def test_any_text_gives_values_or_a_refusal(text: str) -> None:
    try:
        values = values_of(text)
    except RequestError:
        return
    assert values is None or isinstance(values, list)
