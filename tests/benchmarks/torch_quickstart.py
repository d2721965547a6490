"""The experiment of `configs/quickstart.yaml` as a plain PyTorch script: what it is compared to."""

import torch

from tests.benchmarks.torch_sweep import train
from vgrad.config import load_config
from vgrad.experiment import prepare


def main() -> None:
    """Train it, on one thread."""
    torch.set_num_threads(1)
    train(prepare(load_config("configs/quickstart.yaml")))


if __name__ == "__main__":
    main()
