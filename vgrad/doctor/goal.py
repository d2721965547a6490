"""What training has to beat: the best answer that does not look at the input."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vgrad.data.batches import Loader
from vgrad.experiment import Experiment

LOOKED_AT = 4096  # examples; the loss of a constant answer is known well from fewer
TINIEST = 1e-12  # a share that stands for none, where its logarithm is taken

TRAINS_FROM = 0.5
"""Of the best skill that is in reach, from which a net is said to train: half-way from guessing.
On digits that is an accuracy of 55 %, for numbers half of their variance (or error) explained."""
NOTICED_FROM = 0.2
"""A skill that anyone would call better than guessing, whatever else is out of reach: 28 % on
digits, 60 % where two classes are even."""


@dataclass(frozen=True)
class Goal:
    """The loss, and for classes the accuracy, of the best constant answer on the training part."""

    loss: float
    accuracy: float
    """Share of the most frequent class; nan for numbers."""

    @classmethod
    def of(cls, experiment: Experiment) -> "Goal":
        """Tried as constants are those that some loss is least for: mean, median, logarithms and
        log odds of the targets."""
        dataset, outputs = experiment.dataset, experiment.graph.output.rows
        n = min(len(dataset.x_train), LOOKED_AT)
        x, y = dataset.x_train[:n], dataset.y_train[:n]
        loader = Loader(x, y, dataset.n_classes, outputs)
        inputs, targets = np.empty((x.shape[1], n), x.dtype), np.empty((outputs, n), x.dtype)
        loader.load(np.arange(n), inputs=inputs, targets=targets)
        mean: NDArray[np.float64] = np.asarray(targets.mean(axis=1), np.float64)
        share = np.clip(mean, TINIEST, 1.0 - TINIEST)
        answers = [mean, np.median(targets, axis=1), np.log(share), np.log(share / (1.0 - share))]
        scratch = np.empty((experiment.loss.n_scratch, *targets.shape), x.dtype)
        grad = np.empty_like(targets)
        found = []
        for answer in answers:
            y_constant = np.repeat(answer.astype(x.dtype)[:, np.newaxis], n, axis=1)
            found.append(
                experiment.loss.value_and_grad(y_constant, targets, grad=grad, scratch=scratch)
            )
        accuracy = math.nan
        if dataset.n_classes:
            accuracy = float(np.bincount(dataset.y_train).max()) / len(dataset.y_train)
        return cls(min(found), accuracy)

    def progress(self, loss: float) -> float:
        """The share of the constant answer's loss that is gone: 0 where nothing is learnt, 1 where
        nothing is left to learn, below 0 where it is worse than guessing (-inf: not finite)."""
        if not math.isfinite(loss):
            return -math.inf
        return 1.0 - loss / self.loss if self.loss > 0.0 else -loss

    def skill(self, loss: float, accuracy: float) -> float:
        """From 0, as good as guessing (or worse), to 1, perfect: by accuracy where there are
        classes, else by the loss."""
        if math.isnan(self.accuracy) or math.isnan(accuracy):
            return max(self.progress(loss), 0.0)
        if self.accuracy == 1.0:  # a single class: there is nothing to tell apart
            return max(self.progress(loss), 0.0)
        return max((accuracy - self.accuracy) / (1.0 - self.accuracy), 0.0)


def trains(skill: float, best: float = 1.0) -> bool:
    """Whether a net of this skill at its end has trained, `best` being the highest skill known to
    be in reach."""
    return skill >= max(TRAINS_FROM * best, NOTICED_FROM)
