"""How many steps to spend on what: by the size of the experiment, so that every machine comes to
the same answer."""

from dataclasses import dataclass

from vgrad.experiment import Experiment

PER_LAYER = 13e-6
"""Seconds that a step takes for each layer, however small (measured at width 16)."""
PER_PRODUCT = 2e-10
"""Seconds for each weight and example, forwards and backwards (measured at width 256)."""

PATIENT_SECONDS = 1.8  # for the training as it is
WHOLE_SECONDS = 0.8  # for a remedy that is tried to the end
LONGER_SECONDS = 0.2
FIRST_SECONDS = 0.06
RATES_SECONDS = 0.1
FEWEST = 10  # steps, whatever they take
ROUNDS = 2


@dataclass(frozen=True)
class Plan:
    """Steps of each kind of probe."""

    patient: int
    first: int
    rates: int
    longer: int
    whole: int
    rounds: int = ROUNDS

    @classmethod
    def of(cls, experiment: Experiment) -> "Plan":
        """For this experiment and its likes."""
        per_step = step_seconds(experiment)

        def steps(seconds: float, most: int) -> int:
            return max(min(int(seconds / per_step), most), FEWEST)

        total = max(experiment.steps, FEWEST)
        return cls(
            patient=steps(PATIENT_SECONDS, total),
            first=steps(FIRST_SECONDS, max(total // 8, 30)),
            rates=steps(RATES_SECONDS, 60),
            longer=steps(LONGER_SECONDS, max(total // 3, 30)),
            whole=steps(WHOLE_SECONDS, total),
        )


def step_seconds(experiment: Experiment) -> float:
    """About how long a step takes on one core."""
    weights = sum(layer.weight.size for layer in experiment.graph.layers)
    products = PER_PRODUCT * weights * experiment.batch_size
    return PER_LAYER * len(experiment.graph.layers) + products
