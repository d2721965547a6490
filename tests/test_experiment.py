"""What an experiment makes of its config beyond what each part does by itself."""

from pathlib import Path

import numpy as np
import pytest
from tiny_training import Overrides, tiny, weights_of

from vgrad.config import load_config
from vgrad.errors import RequestError
from vgrad.experiment import prepare
from vgrad.nn.activations import activations
from vgrad.nn.meanfield import critical
from vgrad.training import Trainer

CRITICAL: Overrides = {
    "model.width": 400,
    "model.activation": "tanh",
    "model.init": {"name": "critical", "sigma_b": 0.3},
}


def first_biases(overrides: Overrides) -> np.ndarray:
    """All biases of the network before the first step."""
    trainer = Trainer(prepare(tiny({**CRITICAL, **overrides})))
    params = trainer.state()["params"]
    return np.concatenate([layer[:, 0] for layer in weights_of(trainer, params)])


def test_critical_weights_bring_their_biases_with_them() -> None:
    biases = first_biases({})
    # 803 of them: one standard error of their spread is 0.0075
    assert biases.std() == pytest.approx(0.3, abs=6 * 0.0075)
    assert abs(biases.mean()) < 6 * 0.3 / np.sqrt(biases.size)
    assert not first_biases({"model.init": {"name": "critical"}}).any()


def test_biases_that_the_config_states_are_those_of_the_network() -> None:
    assert (first_biases({"model.bias_init": 0.25}) == 0.25).all()


def test_critical_weights_have_the_solved_variance() -> None:
    trainer = Trainer(prepare(tiny(CRITICAL)))
    _, second, _ = weights_of(trainer, trainer.state()["params"])
    found = critical(activations.build("tanh"), 0.3)
    assert found is not None
    # 160,000 weights: one standard error of their spread is 0.2 %
    assert second[:, 1:].std() * 20 == pytest.approx(found.sigma_w, rel=0.01)


def test_where_there_is_no_critical_point_the_config_is_refused_with_its_line(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("model:\n  activation: softplus\n  init: {name: critical, sigma_b: 0.1}\n")
    experiment = prepare(load_config(file))
    with pytest.raises(RequestError) as caught:
        experiment.initialize(experiment.network())
    (problem,) = caught.value.problems
    assert (problem.key, problem.line) == ("model.init", 3)
    assert "Softplus has no edge of chaos with biases of standard deviation 0.1" in str(problem)


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        ("{name: cosine, warmup: 20}", "schedule.warmup", "20}"),
        ("{name: plateau, min_lr: 0.2}", "schedule.min_lr", "0.2}"),
        ("{name: multistep, milestones: [9, 3]}", "schedule.milestones", "[9, 3]}"),
        ("{name: one_cycle, pct_start: 1.5}", "schedule.pct_start", "1.5}"),
    ],
)
def test_a_schedule_that_does_not_suit_is_refused_with_its_place(
    tmp_path: Path, given: str, key: str, value: str
) -> None:
    file, line = tmp_path / "a.yaml", f"schedule: {given}"
    file.write_text(f"optimizer: {{name: sgd, lr: 0.1}}\ntrain: {{steps: 20}}\n{line}\n")
    with pytest.raises(RequestError) as caught:
        prepare(load_config(file))
    (problem,) = caught.value.problems
    assert (problem.key, problem.line, problem.column) == (key, 3, line.index(value) + 1)
