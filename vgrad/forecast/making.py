"""From an experiment to its forecast: by theory, and where that is silent by a probe."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import RunError
from vgrad.experiment import Experiment
from vgrad.forecast.content import Forecast
from vgrad.forecast.probe import probe
from vgrad.forecast.theoretical import depths_of, predicted, theoretical
from vgrad.plugins import blamed
from vgrad.theory import NothingToSay

quiet = np.errstate(all="ignore")
"""What overflows is an answer, as it is in training."""


@quiet
def forecast(experiment: Experiment) -> Forecast:
    """What the network of this experiment will be like before its first step.

    Raises:
        RequestError: the initializer cannot serve this network, or a probe would not fit into
            memory.
    """
    try:
        return theoretical(experiment)
    except NothingToSay as silence:
        return replace(probe(experiment, str(silence)), depths=depths_of(silence.settled))


@quiet
def predicted_layers(experiment: Experiment) -> NDArray[np.void] | None:
    """What a run writes down at its start: theory's `PREDICTION_DTYPE` rows; None where theory
    has nothing to say, or a plugin fails at it: that is no reason not to train.

    Raises:
        RequestError: the initializer cannot serve this network.
    """
    try:
        with blamed():
            return predicted(experiment)[1].layers
    except (NothingToSay, RunError):
        return None
