"""What stands between a gradient and the optimizer: clipping, then noise."""

import numpy as np
from numpy.typing import NDArray

from vgrad.euclidean import norm
from vgrad.experiment import Experiment
from vgrad.nn.arrays import Array, aligned
from vgrad.nn.network import Group, Network
from vgrad.records import CLIPPING_DTYPE

NOISE_CHUNK = 16384  # numbers drawn at a time: they stay in cache


class Limiter:
    """Clips and adds noise to the gradient of a network, and counts how often it clipped."""

    def __init__(self, experiment: Experiment, network: Network) -> None:
        self.active = experiment.limits_gradient
        self._noise, self._network = experiment.noise, network
        self._updates, self._clipped = 0, 0
        bind = experiment.clip.bind
        tables = [(group, network.segments(group)) for group in network.groups]
        params = [network.params[group.part] for group in network.groups]
        self._of_block = [
            bind(params[group.index], network.block_of(group), segments)
            for group, segments in tables
        ]
        self._of_flat = [
            bind(params[group.index], network.grads[group.part], segments)
            for group, segments in tables
        ]
        self._scratch = aligned((NOISE_CHUNK if self._noise else 0,), network.dtype)
        self._clipped_now = False

    def begin(self) -> None:
        """Begin an update."""
        self._clipped_now = False

    def group(self, group: Group, step: int) -> None:
        """Limit the gradient of a group, in the block that all groups share."""
        if self.active:
            self._clipped_now |= self._of_block[group.index]()
            self._add_noise(self._network.block_of(group), step)

    def end(self) -> None:
        """Count the update."""
        self._updates += 1
        self._clipped += self._clipped_now

    def record(self, step: int) -> NDArray[np.void]:
        """Limit the flat gradient as the updates between do, group after group from the last,
        and return a `CLIPPING_DTYPE` row."""
        grads = self._network.grads
        before = norm(grads)
        self.begin()
        for group in reversed(self._network.groups):
            self._clipped_now |= self._of_flat[group.index]()
            self._add_noise(grads[group.part], step)
        share = (self._clipped + self._clipped_now) / (self._updates + 1)
        self._updates = self._clipped = 0
        return np.array([(step, before, norm(grads), share)], CLIPPING_DTYPE)

    def _add_noise(self, grads: Array, step: int) -> None:
        if self._noise:
            self._noise.add(grads, step, self._network.rng, self._scratch)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The counts since the last record."""
        return {"counts": np.array([self._updates, self._clipped])}

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from what `state` returned."""
        self._updates, self._clipped = map(int, state["counts"])
