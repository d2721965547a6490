import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from vgrad.diagnosis import KINDS, Verdict, diagnose, diagnose_run, gradient_ratio, layer_states
from vgrad.records import LAYER_DTYPE, STATISTICS

Rows = NDArray[np.void]


def rows(depth: int, factor: float = 1.0, step: int = 0, **columns: Any) -> Rows:
    """`depth` hidden layers and an output; δ and g change by `factor` per layer going back."""
    table = np.zeros(depth + 1, LAYER_DTYPE)
    table["step"], table["layer"] = step, np.arange(1, depth + 2)
    table["name"] = [*(f"linear{i}" for i in range(1, depth + 1)), "output"]
    decay = factor ** np.arange(depth, -1, -1.0)
    for name, scale in {"grad_norm": 1.0, "grad_rms": 0.01, "delta_rms": 0.1}.items():
        table[name] = scale * decay
    table["weight_norm"] = table["preact_std"] = table["act_std"] = 1.0
    for name, values in columns.items():
        table[name] = values
    return table


def shares(depth: int, share: float, *layers: int) -> NDArray[np.float64]:
    """A column that is `share` in these layers, else 0."""
    column = np.zeros(depth + 1)
    column[[layer - 1 for layer in layers]] = share
    return column


class TestGradient:
    def test_that_shrinks_by_a_factor_per_layer_vanishes(self) -> None:
        verdict = diagnose(rows(30, 0.24))
        assert verdict.kind == "vanishing"
        # 1e-9: the fit is exact but for rounding
        assert verdict.factor_per_layer == pytest.approx(0.24, rel=1e-9)
        assert verdict.slope_per_layer == pytest.approx(2 * math.log(0.24), rel=1e-9)
        assert verdict.orders == pytest.approx(29 * math.log10(0.24), rel=1e-9)
        assert verdict.gradient_ratio == pytest.approx(0.24**30, rel=1e-9)
        assert verdict.layers == (1, 25)  # 0.24⁵ is the first power below 1e-3
        assert verdict.sentence == (
            "The gradient vanishes: from layer 30 back to layer 1 it shrinks by a factor of 0.24 "
            "per layer, over 18.0 orders of magnitude; layers 1 to 25 hardly learn."
        )

    def test_that_grows_by_a_factor_per_layer_explodes(self) -> None:
        verdict = diagnose(rows(20, 3.0))
        assert verdict.kind == "exploding"
        assert verdict.factor_per_layer == pytest.approx(3.0, rel=1e-9)
        assert verdict.orders == pytest.approx(19 * math.log10(3.0), rel=1e-9)
        assert verdict.layers == (1, 13)
        assert "grows by a factor of 3 per layer, over 9.1 orders" in verdict.sentence

    @pytest.mark.parametrize("depth", [1, 2])
    @pytest.mark.parametrize("factor", [0.1, 1.0, 10.0])
    def test_of_a_shallow_net_is_healthy_at_a_factor_of_ten(
        self, depth: int, factor: float
    ) -> None:
        assert diagnose(rows(depth, factor)).kind == "healthy"

    def test_that_is_tiny_but_even_is_healthy(self) -> None:
        table = rows(30, 0.99)
        for name in ("grad_norm", "grad_rms", "delta_rms"):
            table[name] *= 1e-12
        assert diagnose(table).kind == "healthy"

    def test_that_dies_backward_vanishes_though_every_weight_gets_as_little(self) -> None:
        # both signals die, each in its direction: their product, g, is even
        table = rows(30, 0.1, grad_norm=1e-30, grad_rms=1e-32)
        assert diagnose(table).kind == "vanishing"

    def test_that_underflows_has_vanished_and_the_sentence_says_where(self) -> None:
        table = rows(30, 0.1)
        table["delta_rms"][:12] = 0.0
        verdict = diagnose(table)
        assert verdict.kind == "vanishing"
        assert verdict.orders == -math.inf
        assert verdict.factor_per_layer == pytest.approx(0.1, rel=1e-9)  # of what is left
        assert "more than 17.0 orders of magnitude, until it is exactly 0 in layers 1 to 12" in (
            verdict.sentence
        )

    def test_that_never_enters_the_hidden_layers_vanishes(self) -> None:
        delta = np.append(np.zeros(5), 0.3)
        verdict = diagnose(rows(5, delta_rms=delta))
        assert (verdict.kind, verdict.factor_per_layer) == ("vanishing", 0.0)
        assert verdict.slope_per_layer == -math.inf
        assert verdict.sentence == "The gradient vanishes: it is exactly 0 in layers 1 to 5."

    def test_that_is_zero_everywhere_has_nothing_to_teach(self) -> None:
        verdict = diagnose(rows(5, grad_norm=0.0, delta_rms=0.0))
        assert verdict.kind == "healthy"
        assert "exactly 0 in every layer" in verdict.sentence
        assert math.isnan(verdict.gradient_ratio)

    def test_is_judged_by_its_weights_where_no_signal_was_recorded(self) -> None:
        assert diagnose(rows(30, 0.24, delta_rms=math.nan)).kind == "vanishing"

    def test_that_vanishes_for_saturation_says_so(self) -> None:
        table = rows(30, 0.24, saturated_fraction=shares(30, 0.97, 2, 9))
        verdict = diagnose(table)
        assert verdict.kind == "vanishing"
        assert "because up to 97% of the units are saturated in layers 2 to 9" in verdict.sentence


class TestNumbersThatAreNotFinite:
    def test_going_forward_name_the_first_layer_that_has_one(self) -> None:
        table = rows(8)
        table["preact_std"][2:] = math.inf
        for name in ("grad_norm", "grad_rms", "delta_rms"):
            table[name] = math.nan
        verdict = diagnose(table)
        assert (verdict.kind, verdict.layers) == ("exploding", (3, 9))
        assert "from layer 3 on" in verdict.sentence

    def test_going_backward_name_the_last_layer_that_has_one(self) -> None:
        table = rows(8)
        table["grad_norm"][:5] = math.inf
        verdict = diagnose(table)
        assert (verdict.kind, verdict.layers) == ("exploding", (1, 5))
        assert "from layer 5 back" in verdict.sentence

    def test_outrank_dead_units(self) -> None:
        table = rows(8, dead_fraction=1.0)
        table["grad_norm"][0] = math.nan
        assert diagnose(table).kind == "exploding"

    def test_in_a_statistic_that_does_not_apply_mean_nothing(self) -> None:
        table = rows(8, update_ratio=math.nan)
        table["act_std"][-1] = table["saturated_fraction"][-1] = math.nan
        assert diagnose(table).kind == "healthy"


class TestUnits:
    def test_that_are_dead_outrank_the_gradient_that_they_stop(self) -> None:
        table = rows(10, dead_fraction=shares(10, 0.97, 3, 4))
        table["delta_rms"][:3] = 0.0
        verdict = diagnose(table)
        assert (verdict.kind, verdict.layers) == ("dead", (3, 4))
        assert "up to 97% of them in layers 3 to 4" in verdict.sentence
        assert "exactly 0 in layers 1 to 3" in verdict.sentence

    def test_that_are_off_as_in_any_deep_relu_net_are_healthy(self) -> None:
        assert diagnose(rows(50, dead_fraction=0.55, saturated_fraction=0.55)).kind == "healthy"

    def test_that_are_saturated_give_the_verdict_only_where_the_gradient_flows(self) -> None:
        flat = shares(10, 0.95, 4)
        verdict = diagnose(rows(10, saturated_fraction=flat))
        assert (verdict.kind, verdict.layers) == ("saturated", (4, 4))
        assert "95% of them in layer 4" in verdict.sentence
        assert diagnose(rows(10, 0.1, saturated_fraction=flat)).kind == "vanishing"

    def test_of_the_output_layer_are_no_units(self) -> None:
        output = shares(4, 1.0, 5)
        assert diagnose(rows(4, dead_fraction=output, saturated_fraction=output)).kind == "healthy"


class TestRun:
    def test_that_stays_as_it_began_has_the_verdict_of_its_end(self) -> None:
        last = rows(30, 0.3, step=500)
        assert diagnose_run(rows(30, 0.24), last) == diagnose(last)

    def test_that_recovered_is_healthy_and_remembers(self) -> None:
        verdict = diagnose_run(rows(30, 0.24), rows(30, 1.0, step=500))
        assert verdict.kind == "healthy"
        assert verdict.sentence.endswith(
            "At initialization the gradient vanished, over 18.0 orders of magnitude."
        )

    def test_that_went_bad_says_that_it_began_well(self) -> None:
        verdict = diagnose_run(rows(30), rows(30, step=500, dead_fraction=1.0))
        assert verdict.kind == "dead"
        assert verdict.sentence.endswith("At initialization the gradient was healthy.")

    def test_that_diverged_has_exploded_however_finite_its_last_row(self) -> None:
        verdict = diagnose_run(rows(30), rows(30, step=120), diverged=True)
        assert verdict.kind == "exploding"
        assert verdict.sentence.startswith("The run diverged after step 120")

    def test_that_diverged_names_the_layer_where_its_last_row_shows_it(self) -> None:
        last = rows(30, step=120)
        last["grad_norm"][:7] = math.inf
        verdict = diagnose_run(rows(30, 3.0), last, diverged=True)
        assert "not finite from layer 7 back" in verdict.sentence
        assert "At initialization the gradient exploded" in verdict.sentence


class TestStates:
    def test_of_the_layers_agree_with_the_verdict(self) -> None:
        table = rows(30, 0.24)
        first, last = diagnose(table).layers or (0, 0)
        states = layer_states(table)
        assert [i for i, state in enumerate(states, 1) if state == "vanished"] == list(
            range(first, last + 1)
        )
        assert set(layer_states(rows(20, 3.0))) == {"exploding", "fine"}

    def test_of_a_broken_layer_is_non_finite(self) -> None:
        table = rows(3)
        table["grad_norm"][1] = math.nan
        assert layer_states(table) == ["fine", "non-finite", "fine", "fine"]


def test_the_gradient_ratio_is_of_the_first_layer_to_the_output() -> None:
    assert gradient_ratio(rows(2, grad_norm=[0.5, 9.0, 2.0])) == 0.25
    assert math.isnan(gradient_ratio(rows(2)[:0]))


def check_sound(verdict: Verdict) -> None:
    assert verdict.kind in KINDS
    assert verdict.sentence.endswith(".")
    assert "\n" not in verdict.sentence
    assert verdict.sentence.isascii()


anything = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1e-320, 1e300])


@given(data=st.data(), depth=st.integers(0, 5))
def test_no_numbers_whatever_break_the_diagnosis(data: st.DataObject, depth: int) -> None:
    tables = []
    for step in (0, 10):
        table = rows(depth, step=step)
        for name in STATISTICS:
            table[name] = data.draw(arrays.arrays(np.float64, depth + 1, elements=anything))
        tables.append(table)
        check_sound(diagnose(table))
        assert len(layer_states(table)) == depth + 1
    check_sound(diagnose_run(*tables, diverged=data.draw(st.booleans())))


def test_no_layers_at_all_break_nothing() -> None:
    nothing = rows(2)[:0]
    check_sound(diagnose(nothing))
    check_sound(diagnose_run(nothing, nothing, diverged=True))
    assert layer_states(nothing) == []


@given(
    logs=st.lists(st.floats(-40.0, 40.0), min_size=1, max_size=12),
    power=st.integers(-300, 300),
    dead=st.floats(0.0, 1.0),
    saturated=st.floats(0.0, 1.0),
)
def test_a_constant_factor_on_all_gradients_leaves_the_kind(
    logs: list[float], power: int, dead: float, saturated: float
) -> None:
    table = rows(len(logs) - 1, dead_fraction=dead, saturated_fraction=saturated)
    scaled = table.copy()
    for name in ("grad_norm", "grad_rms", "delta_rms"):
        table[name] = np.exp(logs)
        scaled[name] = table[name] * 2.0**power  # a power of two, which rounds nothing
    assert diagnose(scaled).kind == diagnose(table).kind


class TestWiredNets:
    """Blocks, and layers beside the way from input to output."""

    def rows(self, deltas: dict[str, float]) -> NDArray[np.void]:
        rows = np.zeros(len(deltas), LAYER_DTYPE)
        rows["layer"] = np.arange(1, len(deltas) + 1)
        rows["name"] = list(deltas)
        rows["delta_rms"] = list(deltas.values())
        rows["grad_norm"] = rows["grad_rms"] = rows["grad_max_abs"] = rows["delta_rms"]
        rows["weight_norm"] = rows["preact_std"] = rows["act_std"] = 1.0
        return rows

    def test_branches_that_are_shut_are_no_lost_gradient(self) -> None:
        blocks = {f"block{n}.linear{k}": 0.0 for n in (1, 2, 3) for k in (1, 2)}
        verdict = diagnose(self.rows({"stem": 0.1, **blocks, "output": 0.2}))
        assert verdict.kind == "healthy"
        assert "shut" in verdict.sentence
        assert "layers 2 to 7 (block1 to block3)" in verdict.sentence

    def test_a_gradient_that_is_lost_below_the_branches_has_vanished(self) -> None:
        verdict = diagnose(
            self.rows({"stem": 0.0, "block1.linear1": 0.0, "block2.linear1": 0.3, "output": 0.2})
        )
        assert verdict.kind == "vanishing"

    def test_gates_and_projections_are_not_what_others_are_measured_by(self) -> None:
        deltas = {"linear1": 0.1}
        for number in range(2, 6):
            deltas |= {f"highway{number}.linear": 0.1, f"highway{number}.gate": 1e-9}
        deltas |= {"block1.projection": 1e-9, "output": 0.2}
        rows = self.rows(deltas)
        assert diagnose(rows).kind == "healthy"
        assert set(layer_states(rows)) == {"fine"}

    def test_layers_are_named_with_their_blocks(self) -> None:
        deltas = {"stem": 1e-9} | {f"block{n}.linear1": 10.0 ** (n - 10) for n in range(1, 10)}
        verdict = diagnose(self.rows(deltas | {"output": 0.2}))
        assert verdict.kind == "vanishing"
        assert "block" in verdict.sentence
