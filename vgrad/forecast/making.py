"""From an experiment to its forecast: by theory, and where that is silent by a probe."""

from vgrad.experiment import Experiment
from vgrad.forecast.content import Forecast
from vgrad.forecast.probe import probe
from vgrad.forecast.theoretical import theoretical
from vgrad.theory import NothingToSay


def forecast(experiment: Experiment) -> Forecast:
    """What the network of this experiment will be like before its first step.

    Raises:
        RequestError: the initializer cannot serve this network, or a probe would not fit into
            memory.
    """
    try:
        return theoretical(experiment)
    except NothingToSay as silence:
        return probe(experiment, str(silence))
