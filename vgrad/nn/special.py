"""Functions that several activations share and NumPy lacks, element by element into `out`."""

import math

import numpy as np

from vgrad.nn.arrays import Array

LOG_TAIL = (
    *(-0.6717940840566923, 0.6726432239776567, 0.04734330684190443, -0.0468956102311753),
    *(-0.009872689366389959, 0.008824938557060623, 0.001758933557799016, -0.002345812500482853),
    *(-0.00014624686337800336, 0.000673678795580235, -9.37350311709817e-05),
    *(-0.0001743029472030762, 7.14010141275703e-05, 3.17451797494374e-05),
    *(-3.0187884551394243e-05, 1.3772664134464417e-07, 8.562623420121286e-06),
    *(-2.947986876998259e-06, -1.27231190486887e-06, 1.2500276612569754e-06),
    *(-1.6849800720653297e-07, -2.495832761719667e-07, 1.5334345920908177e-07),
    *(1.4448658046252676e-09, -3.9171820510271855e-08, 1.1172352263623759e-08),
    *(4.06088214696972e-09, -1.8902306008944537e-09),
)
"""log(erfc(x)·exp(x²)/t) in powers of y = 2t - 1, t = 2/(2 + x): Chebyshev interpolation on
(0, 1] at 60 digits, rewritten in powers. Φ comes out within 3e-16 everywhere."""

LOG_TAIL_SINGLE = (
    *(-0.6717940916807759, 0.6726422171554879, 0.047343887612987114, -0.04687488817886134),
    *(-0.009880019324020219, 0.008703812035218805, 0.0017940662497394012),
    *(-0.002048734760496573, -0.00022791096599906392, 0.00033373589390861395),
    8.000738161697865e-06,
)
"""The same, cut where single precision ends: 11 terms instead of 28."""

TAIL_END = 30.0  # erfc is 0 in both precisions from here; keeps y finite where x is infinite


def sigmoid(z: Array, *, out: Array) -> None:
    """Write σ(z) = 1/(1 + exp(-z)). Keeps the relative precision of the lower tail."""
    np.negative(z, out=out)
    np.exp(out, out=out)
    out += 1.0
    np.reciprocal(out, out=out)


def softplus(z: Array, *, out: Array, scratch: Array) -> None:
    """Write log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)), which never overflows.

    `np.logaddexp` computes the same and takes seven times as long.
    """
    positive = scratch[0]
    softplus_tail(z, out=out)
    np.maximum(z, 0.0, out=positive)
    out += positive


def softplus_tail(z: Array, *, out: Array) -> None:
    """Write log(1 + exp(-|z|)), what softplus has beyond max(z, 0)."""
    np.abs(z, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)


def normal_pdf(z: Array, *, out: Array) -> None:
    """Write the standard normal density exp(-z²/2)/√(2π)."""
    np.multiply(z, z, out=out)
    out *= -0.5
    np.exp(out, out=out)
    out *= 1.0 / math.sqrt(2.0 * math.pi)


def normal_cdf(z: Array, *, out: Array, scratch: Array) -> None:
    """Write Φ(z) = erfc(-z/√2)/2, using three scratch arrays.

    erfc(x) = t·exp(-x² + P(y)) for x ≥ 0 with t = 2/(2 + x), y = 2t - 1, the form of
    Press et al., Numerical Recipes, section 6.2.2; the other side by Φ(z) = 1 - Φ(-z).
    """
    x, y, s = scratch[0], scratch[1], scratch[2]
    np.abs(z, out=x)
    x *= math.sqrt(0.5)
    np.minimum(x, TAIL_END, out=x)
    np.add(x, 2.0, out=s)
    np.subtract(2.0, x, out=y)
    y /= s
    coefficients = LOG_TAIL if z.dtype == np.float64 else LOG_TAIL_SINGLE
    out.fill(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        out *= y
        out += coefficient
    x *= x
    out -= x
    np.exp(out, out=out)
    out /= s  # t/2 = 1/s: out = Φ(-|z|)
    np.copysign(1.0, z, out=s)
    out *= s
    np.greater(z, 0.0, out=x)
    np.subtract(x, out, out=out)  # 1 - Φ(-z) for z > 0, and Φ(z) = 0 - (-Φ(z)) for z < 0
    np.abs(out, out=out)
