"""Plain nets with batch norm before each activation.

From the second hidden layer on the batch is where all batches go: normalized pre-activations are
alike for any two examples, and each layer multiplies the gradient by the same factor
(`wirings.batch_norm_law`). In the first the data's own variance is divided by.

References: Yang et al. 2019, sections 3 and 4.
"""

import math

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.activations import Activation
from vgrad.nn.meanfield import Settled, samples
from vgrad.theory.finite_width import Spread
from vgrad.theory.flow import Flow
from vgrad.theory.layers import Inputs, Layers, NothingToSay
from vgrad.theory.prediction import Prediction, concluded
from vgrad.theory.wirings import SMALLEST_BATCH, BatchNormLaw, batch_norm_law

Values = NDArray[np.float64]

VARIANCE = 0.3
"""Of log‖δ‖² over seeds, per layer and times the width. Measured: 0.18 to 0.35 for tanh, ReLU and
linear nets of width 64 and 256 in batches of 16 and 64; no theory of it is known."""
WIDER = 4
"""Times the batch, from which on the theory's limit is near: in narrower nets of tanh or sigmoid
the gradient was seen to grow by up to 5 % more per layer."""
KEPT = 0.75
"""Share of what sets examples apart that is left by a layer, above which the first dozen of layers
do not yet grow as the limit does: ReLU keeps 0.73, SiLU 0.80, tanh 0.93."""
OUTWEIGHED = 100.0  # times ε, below which a variance is not what the norm divides by


def predict_batch_norm(layers: Layers, inputs: Inputs) -> Prediction:
    """Follow signal and gradient; `layers.norm_eps` is the norm's ε, `inputs.batch` its batch.

    Raises:
        NothingToSay: a batch is too small for a mean gradient, the signal is drowned by ε, or the
            limit is far: with what it is nevertheless.
    """
    if inputs.batch < SMALLEST_BATCH:
        raise NothingToSay(f"with batch norm over {inputs.batch} examples no mean gradient exists")
    law = batch_norm_law(layers.activation, inputs.batch)
    spread = inputs.square - inputs.overlap, law.square - law.product
    varied = layers.sigma2[:-1] * np.append(spread[0], np.full(layers.depth, spread[1]))[:-1]
    if varied.size and varied.min() < OUTWEIGHED * (layers.norm_eps or 0.0):
        raise NothingToSay("the ε of batch norm outweighs what it is to normalize")
    above = 1.0 / layers.fan_out[: max(layers.depth - 1, 0)]
    settled = _settled(layers, law)
    if layers.depth and layers.fan_out[:-1].min() < WIDER * inputs.batch:
        raise NothingToSay("it takes layers with batch norm to be wider than the batch", settled)
    if _kept(layers.activation) > KEPT:
        raise NothingToSay("batch norm lets the data show through so many layers", settled)
    variance = VARIANCE * np.append(np.cumsum(above[::-1])[::-1], 0.0)[: layers.depth]
    flow = _flow(layers, inputs, law, varied)
    return concluded(layers, flow, Spread(np.zeros_like(variance), variance), settled)


def _flow(layers: Layers, inputs: Inputs, law: BatchNormLaw, varied: Values) -> Flow:
    depth, sigma2 = layers.depth, layers.sigma2
    square, product = (
        np.append(first, np.full(depth, rest))
        for first, rest in ((inputs.square, law.square), (inputs.overlap, law.product))
    )
    q = sigma2 * square + layers.bias_variance
    correlation = (sigma2 * product + layers.bias_variance) / q
    spread = law.square - law.product
    log_chi = math.log(law.growth * spread) + np.log(sigma2[1:] / varied)
    log_delta = np.append(np.cumsum(log_chi[::-1])[::-1], 0.0)
    log_grad = log_delta + np.log(layers.fan_in * square)
    last = max(depth - 1, 0)
    return Flow(
        np.log(q),
        np.log(q),
        np.log(sigma2 * square / q),
        1.0 - correlation,
        np.append(log_chi, np.nan),
        log_delta - log_delta[last],
        log_grad - log_grad[last],
    )


def _kept(activation: Activation) -> float:
    """E[φ′]²/Var[φ]: by what a layer multiplies small deviations from equal correlations."""
    at = samples(activation, 1.0)
    mean, slope = float(at.mean(at.phi)[0]), float(at.mean(at.slope)[0])
    return slope**2 / (float(at.phi2[0]) - mean**2)


def _settled(layers: Layers, law: BatchNormLaw) -> Settled | None:
    if not layers.alike:
        return None
    sigma2, bias = float(layers.sigma2[1]), float(layers.bias_variance[1])
    q = sigma2 * law.square + bias
    return Settled(q, 0.0, law.growth, (sigma2 * law.product + bias) / q, math.nan)
