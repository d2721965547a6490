"""Residual, highway and dense networks with norms in PyTorch, as their papers draw them.

Parameters are taken from the flat vector in the order in which the network uses them. Imports
PyTorch when called.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from reference.cases import Vector
from reference.torch_peer import activation_table
from reference.wired import Wired

from vgrad.nn.activations import activations

Tensor = Any


class Peer:
    """A network under construction as it is carried out; tensors are `(batch, units)`."""

    def __init__(self, case: Wired, params: Tensor, running: dict[int, Any] | None) -> None:
        """`running`: None while training, then what training left of each batch norm."""
        self._case, self._params, self._start = case, params, 0
        self._phi = activation_table()[case.activation]
        self._part = activations.build(case.activation)
        self._norms = 0
        self.left: dict[int, Any] = {}
        self._running = running

    def take(self, *shape: int) -> Tensor:
        """The next parameters."""
        start, self._start = self._start, self._start + math.prod(shape)
        return self._params[start : self._start].reshape(shape)

    def plain(self, x: Tensor, rows: int) -> Tensor:
        """An ordinary weight layer."""
        block = self.take(rows, 1 + x.shape[1])
        return x @ block[:, 1:].T + block[:, 0]

    def linear(self, x: Tensor, rows: int) -> Tensor:
        """A weight layer of the norm's kind."""
        kind = self._case.norm[0]
        if kind not in ("weight", "weight_standardization"):
            return self.plain(x, rows)
        block, gain = self.take(rows, 1 + x.shape[1]), self.take(rows, 1)
        v = block[:, 1:]
        if kind == "weight":
            weight = gain * v / v.norm(dim=1, keepdim=True)
        else:
            mean = v.mean(dim=1, keepdim=True)
            spread = v.var(dim=1, keepdim=True, unbiased=False).sqrt()
            weight = gain * (v - mean) / (spread * math.sqrt(v.shape[1]))
        return x @ weight.T + block[:, 0]

    def norm(self, x: Tensor, place: str) -> Tensor:
        """The norm, where it stands at this place."""
        from torch.nn import functional

        name, options = self._case.norm
        if options.get("placement") != place:
            return x
        gain, eps, units = self.take(x.shape[1]), options.get("eps", 1e-5), x.shape[1:]
        if name == "rms":
            return functional.rms_norm(x, units, gain, eps)
        shift = self.take(x.shape[1])
        if name == "layer":
            return functional.layer_norm(x, units, gain, shift, eps)
        self._norms += 1
        if self._running is None:
            mean, variance = x.new_zeros(units), x.new_ones(units)
            self.left[self._norms] = mean, variance
            return functional.batch_norm(x, mean, variance, gain, shift, training=True, eps=eps)
        mean, variance = self._running[self._norms]
        return functional.batch_norm(x, mean, variance, gain, shift, training=False, eps=eps)

    def active(self, z: Tensor) -> Tensor:
        """φ, then the norm that stands after it."""
        return self.norm(self._phi(z, self._part), "after")

    def unit(self, x: Tensor, rows: int) -> Tensor:
        """Weight layer, norm, φ."""
        return self.active(self.norm(self.linear(x, rows), "before"))

    def output(self) -> Tensor:
        """The whole network."""
        import torch

        x = torch.tensor(self._case.x.T)
        name, options = self._case.wiring
        wirings: dict[str, Callable[..., Tensor]] = {
            "plain": self._plain,
            "residual": self._residual,
            "highway": self._highway,
            "dense": self._dense,
        }
        result = self.plain(wirings[name](x, **options), self._case.outputs)
        assert self._start == len(self._params)
        return result

    def _plain(self, x: Tensor) -> Tensor:
        for width in self._case.widths:
            x = self.unit(x, width)
        return x

    def _residual(
        self,
        x: Tensor,
        every: int = 2,
        order: str = "post",
        scale: Any = 1.0,
        gate: float | None = None,
    ) -> Tensor:
        first, *rest = self._case.widths
        blocks = [rest[i : i + every] for i in range(0, len(rest), every)]
        factor = {
            "1/sqrt(depth)": len(self._case.widths) ** -0.5,
            "1/sqrt(blocks)": len(blocks) ** -0.5,
        }.get(scale, scale)
        x = self.unit(x, first) if order == "post" else self.linear(x, first)
        for widths in blocks:
            skip = x
            if order == "pre":
                x = self.active(self.norm(x, "before"))
            if widths[-1] != skip.shape[1]:
                skip = self.plain(x, widths[-1])
            for width in widths[:-1]:
                x = self.unit(x, width)
            x = self.linear(x, widths[-1])
            if order == "post":
                x = self.norm(x, "before")
            if order == "inside" and len(widths) == 1:
                x = self.active(self.norm(x, "before"))
            x = skip + factor * (x if gate is None else self.take(1) * x)
            if order == "post":
                x = self.active(x)
        return self.active(self.norm(x, "before")) if order == "pre" else x

    def _highway(self, x: Tensor, **_: Any) -> Tensor:
        for number, width in enumerate(self._case.widths):
            if number == 0 or width != x.shape[1]:
                x = self.unit(x, width)
            else:
                h = self.unit(x, width)
                t = self.plain(x, width).sigmoid()
                x = h * t + x * (1 - t)
        return x

    def _dense(
        self,
        x: Tensor,
        growth: int = 12,
        bottleneck: int = 0,
        every: int | None = None,
        compression: float = 0.5,
    ) -> Tensor:
        import torch

        left, layers = len(self._case.widths) - 1, 0
        x = self.unit(x, self._case.widths[0])
        while left:
            if layers == every:
                x, layers = self.unit(x, int(compression * x.shape[1])), 0
            else:
                h = x
                if bottleneck and left > 1:
                    h, left = self.unit(h, bottleneck * growth), left - 1
                x, layers = torch.cat([x, self.unit(h, growth)], dim=1), layers + 1
            left -= 1
        return x


def results(case: Wired, size: int) -> tuple[float, Vector, float]:
    """Loss, flat gradient, and the loss in evaluation once statistics took in the batch."""
    import torch
    from torch.nn import functional

    params = torch.tensor(case.params(size), requires_grad=True)
    target = torch.tensor(case.t.T)
    peer = Peer(case, params, None)
    value = functional.mse_loss(peer.output(), target)
    value.backward()
    with torch.no_grad():
        evaluated = functional.mse_loss(Peer(case, params, peer.left).output(), target)
    gradient: Any = params.grad
    return value.item(), np.asarray(gradient), evaluated.item()
