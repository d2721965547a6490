"""Data sets by name. A new one is an entry in the file of its siblings."""

from vgrad.data.base import DataSet, Dataset, Examples, Task, datasets
from vgrad.data.digits import Digits
from vgrad.data.idx import Idx
from vgrad.data.loading import load
from vgrad.data.npz import Npz
from vgrad.data.synthetic import Blobs, Circles, Line, Moons, Sine, Spirals, Teacher
from vgrad.data.table import Csv

__all__ = [
    "Blobs",
    "Circles",
    "Csv",
    "DataSet",
    "Dataset",
    "Digits",
    "Examples",
    "Idx",
    "Line",
    "Moons",
    "Npz",
    "Sine",
    "Spirals",
    "Task",
    "Teacher",
    "datasets",
    "load",
]
