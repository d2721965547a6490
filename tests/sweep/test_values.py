"""Several values in one text, as the command line has them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgrad.errors import RequestError
from vgrad.sweep.values import MOST_VALUES, values_of

LISTS = {
    "5,10,20": [5, 10, 20],
    "tanh, relu": ["tanh", "relu"],
    "0.1,1e-3": [0.1, 1e-3],
    "range(0,5)": [0, 1, 2, 3, 4],
    "range(3)": [0, 1, 2],
    "range(10, 0, -4)": [10, 6, 2],
    "lin(0,1,5)": [0.0, 0.25, 0.5, 0.75, 1.0],
    "lin(0,0.3,4)": [0.0, 0.1, 0.2, 0.3],
    "log(1e-4,1e-1,4)": [1e-4, 1e-3, 1e-2, 1e-1],
    "7,": [7],
    "tanh,{name: leaky_relu, negative_slope: 0.1}": [
        "tanh",
        {"name": "leaky_relu", "negative_slope": 0.1},
    ],
    "[64, 32],[32, 16]": [[64, 32], [32, 16]],
    "'a,b',c": ["a,b", "c"],
    "null,mse": [None, "mse"],
    "true,false": [True, False],
}


@pytest.mark.parametrize("text", LISTS)
def test_a_text_with_several_values_has_them_in_their_order(text: str) -> None:
    values = values_of(text)
    assert values == LISTS[text]
    assert [type(one) for one in values or ()] == [type(one) for one in LISTS[text]]


@pytest.mark.parametrize(
    "text", ["5", "tanh", "[64, 32]", "{name: adam, lr: 0.1}", "'a,b'", "1e-3"]
)
def test_a_text_with_one_value_has_no_list(text: str) -> None:
    assert values_of(text) is None


WRONG = {
    "": "nothing is given",
    "  ": "nothing is given",
    "lgo(1,2,3)": "did you mean log?",
    "range(5,5)": "has no values",
    "range(0,1000000000)": "1,000,000,000 values; a whole number up to 100,000",
    "range(0,9000000000000000000)": "values; a whole number up to 100,000",
    "range(0.5,2)": "range takes whole numbers",
    "range(0,5,0)": "range takes whole numbers",
    "log(0,1,3)": "log needs positive numbers",
    "log(1,2)": "log(1,2) is not understood; log(FROM,TO,COUNT)",
    "lin(0,1,2.5)": "2.5 values",
    "lin(0,1,-2)": "has no values",
    "lin(a,b,3)": "is not understood",
    "1,[2": "not valid YAML",
    "a,*b": "alias",
    "__import__(0)": "computes no values",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_text_that_lists_nothing_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        values_of(text)
    assert WRONG[text] in str(caught.value)


@given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12), st.integers(2, 40))
def test_a_logarithmic_sequence_is_numpys(low: float, high: float, count: int) -> None:
    values = values_of(f"log({low!r},{high!r},{count})")
    np.testing.assert_allclose(values, np.geomspace(low, high, count), rtol=1e-11)


@given(st.text(max_size=30))
def test_any_text_is_values_or_one_value_or_refused(text: str) -> None:
    try:
        values = values_of(text)
    except RequestError:
        return
    assert values is None or 0 < len(values) <= max(MOST_VALUES, len(text))


def test_computed_numbers_have_no_needless_digits() -> None:
    values = values_of("lin(0,1,11)") or []
    assert [str(value) for value in values][3] == "0.3"
    assert all(math.isfinite(float(str(value))) for value in values)
