"""Schedules by name. A new one is an entry in the file of its siblings."""

from vgrad.nn.schedules import decays, plateau, waves
from vgrad.nn.schedules.base import Schedule, Scheduler, schedules

__all__ = ["Schedule", "Scheduler", "decays", "plateau", "schedules", "waves"]
