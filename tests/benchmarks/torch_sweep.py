"""The runs of a sweep as a plain PyTorch loop, one after the other: what a sweep is compared to.

`python -m tests.benchmarks.torch_sweep SWEEP`; both cores are PyTorch's to use.
"""

import sys
from itertools import pairwise

import torch
from torch import nn

from vgrad.experiment import Experiment, prepare
from vgrad.sweep import read_spec
from vgrad.sweep.trials import count, trials

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def train(experiment: Experiment) -> float:
    """The test accuracy after training, with all layers' gradient norms at every logged step."""
    config, data, graph = experiment.config, experiment.dataset, experiment.graph
    sizes = [graph.input.rows, *(layer.preactivation.rows for layer in graph.layers)]
    torch.manual_seed(config.seed)
    blocks: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.xavier_normal_(linear.weight)
        nn.init.zeros_(linear.bias)
        blocks += [linear, ACTIVATIONS[config.model.activation.name]()]
    model = nn.Sequential(*blocks[:-1])
    optimizer = OPTIMIZERS[config.optimizer.name](model.parameters(), lr=experiment.rule.lr)
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    x_test, y_test = torch.from_numpy(data.x_test), torch.from_numpy(data.y_test)
    weights = [module.weight for module in model if isinstance(module, nn.Linear)]
    order, accuracy = torch.randperm(len(x)), 0.0
    for step in range(experiment.steps):
        first = step * experiment.batch_size
        batch = order[torch.arange(first, first + experiment.batch_size) % len(x)]
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        if step % config.log.every == 0:
            norms = [float(weight.grad.norm()) for weight in weights]
            with torch.no_grad():
                accuracy = float((model(x_test).argmax(1) == y_test).float().mean())
            print(step, float(loss.detach()), accuracy, *norms)
        optimizer.step()
    return accuracy


def main() -> None:
    """Make all runs of the sweep file that is named."""
    spec = read_spec(sys.argv[1])
    for trial in trials(spec, count(spec)):
        print(trial.run_id, train(prepare(spec.config(trial.changes))))


if __name__ == "__main__":
    main()
