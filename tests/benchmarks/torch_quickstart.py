"""The experiment of `configs/quickstart.yaml` as a plain PyTorch script: what it is compared to."""

from itertools import pairwise

import torch
from torch import nn

from vgrad.config import load_config
from vgrad.experiment import prepare


def main() -> None:
    """Train it, with the gradient norms of all layers at every logged step."""
    config = load_config("configs/quickstart.yaml")
    experiment = prepare(config)
    data, graph = experiment.dataset, experiment.graph
    sizes = [graph.input.rows, *(layer.preactivation.rows for layer in graph.layers)]
    torch.manual_seed(config.seed)
    torch.set_num_threads(1)
    kinds = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
    blocks: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.xavier_normal_(linear.weight)
        nn.init.zeros_(linear.bias)
        blocks += [linear, kinds[config.model.activation.name]()]
    model = nn.Sequential(*blocks[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=experiment.rule.lr)
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    x_test, y_test = torch.from_numpy(data.x_test), torch.from_numpy(data.y_test)
    weights = [module.weight for module in model if isinstance(module, nn.Linear)]
    order = torch.randperm(len(x))
    for step in range(experiment.steps):
        batch = order[torch.arange(step * 64, step * 64 + experiment.batch_size) % len(x)]
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        if step % config.log.every == 0:
            norms = [float(weight.grad.norm()) for weight in weights]
            with torch.no_grad():
                accuracy = float((model(x_test).argmax(1) == y_test).float().mean())
            print(step, float(loss.detach()), accuracy, *norms)
        optimizer.step()


if __name__ == "__main__":
    main()
