"""Why a config does not train, and what will cure it: see `examine`."""

from vgrad.doctor.examination import Examination, Prescription, examine

__all__ = ["Examination", "Prescription", "examine"]
