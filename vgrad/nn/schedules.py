"""Schedules: how the learning rate changes with the step."""

from dataclasses import dataclass

from vgrad.registry import Registry

schedules: Registry["Schedule"] = Registry("schedule")


class Schedule:
    """The contract of the family."""

    def rate(self, base: float, step: int, total: int) -> float:
        """The rate of update `step` = 0, 1, … of `total`, given the optimizer's own."""
        raise NotImplementedError


@schedules.register("constant", source="Robbins & Monro 1951")
@dataclass(frozen=True)
class ConstantRate(Schedule):
    """The same rate throughout."""

    def rate(self, base: float, step: int, total: int) -> float:
        return base
