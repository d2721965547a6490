"""Every value of `reference/meanfield.json`, computed elsewhere or published, within its rtol.

What an entry asks for stands in its id; `RULES` says how each kind is computed here.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gaussian_twins import Erf
from reference.stored import FOLDER

from vgrad.nn.activations import Activation, activations
from vgrad.nn.activations.exponential import SELU
from vgrad.nn.initializers.base import resolved_gain
from vgrad.nn.initializers.scaled import XavierUniform
from vgrad.nn.meanfield import MeanField, critical, half_stable, pairs, samples, settle
from vgrad.nn.meanfield.mesh import forward
from vgrad.theory import Flow, Inputs, Layers, flow_of
from vgrad.theory.finite_width import spread_of
from vgrad.theory.wirings import (
    batch_norm_growth,
    full_residual,
    layer_norm_growth,
    reduced_residual,
)

ENTRIES = json.loads((FOLDER / "meanfield.json").read_text(encoding="utf-8"))["values"]
NUMBER = r"([-\d.]+)"


def phi(name: str) -> Activation:
    """The activation that an id means."""
    if name == "erf":
        return Erf()
    return activations.build(
        {"linear": "identity", "leaky_relu_0.01": "leaky_relu"}.get(name, name)
    )


def exact(number: str) -> float:
    """A number of an id, which gives five digits of (5/3)²."""
    return 25 / 9 if number == "2.77778" else float(number)


def field(name: str, weights: str, biases: str) -> MeanField:
    """Of σ_w² and σ_b²."""
    return MeanField(phi(name), math.sqrt(exact(weights)), math.sqrt(exact(biases)))


def layers(name: str, weights: float, biases: float, depth: int, width: int = 1) -> Layers:
    """Equal layers of σ_w² and σ_b²."""
    width_of, weights_of, biases_of = (
        np.full(depth + 1, value) for value in (float(width), weights / width, biases)
    )
    return Layers(phi(name), width_of, width_of, weights_of, biases_of)


def flow(name: str, weights: str, biases: str, first: str, depth: str) -> Flow:
    """Of equal layers, the first of which has pre-activations of a given variance."""
    square = (float(first) - float(biases)) / float(weights)
    return flow_of(layers(name, float(weights), float(biases), int(depth)), Inputs(square))


def correlation_after(count: str) -> float:
    """Of He's ReLU."""
    return 1.0 - float(flow_of(layers("relu", 2.0, 0.0, int(count)), Inputs(1.0)).gap[int(count)])


def gradient_correlation(depth: str) -> float:
    """Of two inputs with orthogonal first pre-activations, in the first of `depth` layers."""
    gaps = flow_of(layers("relu", 2.0, 0.0, int(depth)), Inputs(1.0)).gap[:-1]
    return math.prod(2.0 * pairs(phi("relu"), 1.0, float(gap)).slope_product for gap in gaps)


def jacobian_variance(name: str, orthogonal: bool) -> float:
    """E[φ′⁴]/E[φ′²]² - 1 - s₁, s₁ = 0 of orthogonal weights and -1 of Gaussian ones."""
    at = samples(phi(name), 1.0)
    return float(at.mean(at.slope**4)[0] / at.slope2[0] ** 2) - (1.0 if orthogonal else 0.0)


def growth_of_the_stream(scale: str, weights: str) -> float:
    """Of E[x²] per block, deep in a residual net of ReLU."""
    stream = reduced_residual(phi("relu"), 300, scale=float(scale), sigma_w=float(weights) ** 0.5)
    return float(stream.square[-1] / stream.square[-2])


def glorot() -> Flow:
    """Five layers of tanh with U(±1/√n) on inputs of unit variance."""
    return flow_of(layers("tanh", 1.0 / 3.0, 0.0, 5), Inputs(1.0))


def mean_growth(name: str) -> float:
    """dE[φ]/dq = E[u·φ′]/2q at q = 1."""
    at = at_one(name)
    return float(at.mean(at.u * at.slope)[0]) / 2.0


def variance_per_layer(name: str, weights: float) -> float:
    """Of the logarithm of ‖δ‖² over seeds, times the width."""
    deep = layers(name, weights, 0.0, 10, width=50)
    variance = spread_of(deep, Inputs(1.0), flow_of(deep, Inputs(1.0))).variance
    return float(variance[3] - variance[4]) * 50


def at_one(name: str) -> Any:
    """Expectations at q = 1."""
    return samples(phi(name), 1.0)


SETTLED = {
    "q": "q_star",
    "chi_1": "chi_1",
    "dVdq": "variance_slope",
    "cstar": "c_star",
    "chi_cstar": "chi_c",
    "xi_q": "xi_q",
    "xi_c": "xi_c",
    "xi_grad": "xi_grad",
}
SIGMAS = rf"(\w+) sw2={NUMBER} sb2={NUMBER}"
COURSE = rf"{SIGMAS} q1={NUMBER} depth=(\d+)"

RULES: list[tuple[str, Callable[..., float]]] = [
    (r"E_phi2_q1/(\w+)", lambda a: at_one(a).phi2[0]),
    (r"E_dphi2_q1/(\w+)", lambda a: at_one(a).slope2[0]),
    (rf"(\w+)/{SIGMAS}", lambda what, *of: getattr(settle(field(*of)), SETTLED[what])),
    (rf"growth_q=chi_1/(\S+) sw2={NUMBER} sb2={NUMBER}", lambda *of: settle(field(*of)).chi_1),
    (rf"sigma_w_crit/(\w+) sb2={NUMBER}", lambda a, b: critical(phi(a), float(b) ** 0.5).sigma_w),
    (r"half_stable_sb2/(\w+)", lambda a: half_stable(phi(a)).sigma_b ** 2),
    (r"half_stable_sw2/(\w+)", lambda a: half_stable(phi(a)).sigma_w ** 2),
    (r"half_stable_qstar/(\w+)", lambda a: half_stable(phi(a)).point.q),
    (rf"q_(\d+)/{COURSE}", lambda at, *of: math.exp(flow(*of).log_q[int(at) - 1])),
    (rf"log\|delta_1\|\^2/\|delta_50\|\^2/{COURSE}", lambda *of: flow(*of).log_delta[0]),
    (rf"log\|dW_2\|\^2/\|dW_50\|\^2/{COURSE}", lambda *of: flow(*of).log_grad[1]),
    (r"c_after_(\d+)_layers/relu he c0=0", correlation_after),
    (r"grad_corr_layer1/relu he depth(\d+) c1=0", gradient_correlation),
    (r"bn_rate/(\w+) B=inf", lambda a: batch_norm_growth(phi(a))),
    (r"bn_rate/(\w+) B=(\d+)", lambda a, batch: batch_norm_growth(phi(a), int(batch))),
    (r"ln_rate/(\w+) sw2=any sb2=0", lambda a: layer_norm_growth(phi(a))),
    (
        r"residual_reduced_log_growth/(\w+) a=1 sw2=1 depth(\d+) p0=1",
        lambda a, blocks: np.log(reduced_residual(phi(a), int(blocks)).growth).sum(),
    ),
    (
        r"residual_full_log_growth/(\w+) sv2=1 sw2=1 depth(\d+)",
        lambda a, blocks: np.log(full_residual(phi(a), int(blocks)).growth).sum(),
    ),
    (
        r"residual_full_growth_per_block/(\w+) sv2=1 sw2=1",
        lambda a: full_residual(phi(a), 9).growth[-1],
    ),
    (
        rf"residual_reduced relu a={NUMBER} sw2={NUMBER}: p growth per block, deep",
        growth_of_the_stream,
    ),
    (r"glorot fig7 analog.*", lambda: glorot().log_delta[0]),
    (r"glorot fig6 analog.*", lambda: glorot().log_q[4] - glorot().log_q[0]),
    (r"selu_lambda", lambda: SELU.SCALE),
    (r"selu_alpha", lambda: SELU.ALPHA),
    (r"selu_jacobian dmu/dnu", lambda: mean_growth("selu")),
    (r"selu_jacobian dnu/dnu", lambda: at_one("selu").phi2_growth[0]),
    (r"selu_chi_1 at \(0,1\)", lambda: at_one("selu").slope2[0]),
    (r"torch_gain/(\w+)", lambda a: resolved_gain("activation", phi(a))),
    (
        r"xavier_uniform_bound.*",
        lambda: math.sqrt(3.0 * XavierUniform().variance(7, 7, phi("tanh")) * 7),
    ),
    (r"lecun_tanh phi\(1\)", lambda: forward(phi("lecun_tanh"), np.ones(1))[0]),
    (
        r"var log\|Ju\|\^2 relu he per layer, times n",
        lambda: variance_per_layer("relu", 2.0),
    ),
    (r"JJT variance gaussian (\w+), /L", lambda a: jacobian_variance(a, orthogonal=False)),
    (r"JJT variance orthogonal (\w+), /L", lambda a: jacobian_variance(a, orthogonal=True)),
    (r"init_gain_forward/(\w+)", lambda a: at_one(a).phi2[0] ** -0.5),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_the_value_is_that_of_the_reference(entry: dict[str, Any]) -> None:
    matched = [(re.fullmatch(pattern, entry["id"]), rule) for pattern, rule in RULES]
    found = [rule(*match.groups()) for match, rule in matched if match]
    assert len(found) == 1, "say in RULES how it is computed"
    assert found[0] == pytest.approx(entry["value"], rel=entry["rtol"], abs=0.0)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if "stable_q" in e], ids=lambda e: e["id"])
def test_a_critical_point_has_the_fixed_point_of_the_reference(entry: dict[str, Any]) -> None:
    name, bias = re.fullmatch(rf"sigma_w_crit/(\w+) sb2={NUMBER}", entry["id"]).groups()
    point = critical(phi(name), math.sqrt(float(bias))).point
    # σ_w fixes q only to some powers of its own precision
    assert point.q == pytest.approx(entry["q"], rel=1e-6, abs=0.0)
    assert point.slope == pytest.approx(entry["dVdq"], rel=1e-6)
    assert point.stable == entry["stable_q"]
