import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from vgrad.report.colours import Scale


def luminance(style: Style, part: str) -> float:
    """Relative luminance of sRGB, WCAG 2.1."""
    triplet = getattr(style, part).triplet
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (value / 255 for value in triplet)
    ]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


SCALES = [
    Scale.linear([0.0, 1.0]),
    Scale.linear([0.0, 1.0], reverse=True),
    Scale.about_one([1e-8, 10.0]),
]


@pytest.mark.parametrize("scale", SCALES)
@given(value=st.floats(allow_nan=False))
def test_text_is_readable_on_every_colour(scale: Scale, value: float) -> None:
    style = scale.style(value)
    assert style is not None
    darker, lighter = sorted(luminance(style, part) for part in ("color", "bgcolor"))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5  # AA of WCAG 2.1 for text


def test_of_a_ratio_one_is_in_the_middle_and_both_ends_are_as_far() -> None:
    scale = Scale.about_one([1e-6, 10.0])
    assert scale.ends == pytest.approx((1e-6, 1e6))
    assert scale.style(1.0) == scale.style(1.0 + 1e-12)
    assert scale.style(0.0) == scale.style(1e-6) != scale.style(1e-5)
    assert scale.style(math.inf) == scale.style(1e6)


def test_a_ratio_beyond_single_precision_does_not_fade_the_others() -> None:
    assert Scale.about_one([1e-300, 1.0]).ends == pytest.approx((1e-12, 1e12))
    assert Scale.about_one([0.99, 1.01]).ends == pytest.approx((0.1, 10.0))


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf], [0.0], [0.5, 0.5]])
def test_any_values_have_a_scale(values: list[float]) -> None:
    for scale in (Scale.linear(values), Scale.about_one(values)):
        assert scale.style(math.nan) is None
        assert all(scale.style(value) for value in (-1.0, 0.0, 0.5, math.inf))
        assert len(scale.ramp(8)) == 8
