"""Write what PyTorch computes, for the tests to compare with where there is no PyTorch.

Run by hand, after adding an activation, a loss or an optimizer (and its PyTorch equivalent to
`torch_peer.py`), in an environment with `pip install -e .[bench]`:

    cd tests && python -m reference.make_reference
"""

import numpy as np
from reference import torch_peer, torch_wiring
from reference.cases import OPTIONS, RULES, SCHEDULES, drawn, every_pair, gradient_sequence, part
from reference.stored import FOLDER, save, save_gradients
from reference.wired import every_wired, sketches

from vgrad.nn.activations import activations
from vgrad.nn.losses import losses
from vgrad.nn.optimizers import optimizers
from vgrad.nn.penalties import Penalties

SEED = 20260101


def gradients(rng: np.random.Generator) -> None:
    """Every activation with every loss, twice: as they are, then with options and penalties."""
    results = []
    for activation_name, loss_name in every_pair():
        for with_options in (False, True):
            depth = int(rng.integers(1, 5))
            sizes = tuple(rng.integers(1, 7, depth + 2).tolist())
            penalties = Penalties(l1=0.01, l2=0.1) if with_options else Penalties()
            case = drawn(
                rng,
                part(activations, activation_name, with_options=with_options),
                part(losses, loss_name, with_options=with_options),
                sizes=sizes,
                batch=int(rng.integers(1, 6)),
                penalties=penalties,
            )
            results.append((case, *torch_peer.value_and_gradients(case)))
    save_gradients(results)


def grid() -> np.ndarray:
    """Where activations are looked at: densely around 0, far out, at every kink and at ±0, ±∞."""
    kinks = {kink for entry in activations for kink in entry.part.kinks}
    far = [1e-300, 1e-8, 20.0, 30.0, 40.0, 100.0, np.inf]
    special = [*kinks, *far, *(-z for z in far), 0.0, -0.0]
    return np.concatenate([np.linspace(-9.0, 9.0, 101), special])


def values_and_slopes() -> None:
    """Every activation on the grid, with its defaults and with other options."""
    z, index, values, slopes = grid(), [], [], []
    for name in activations.names():
        for options in ({}, OPTIONS[name]) if name in OPTIONS else ({},):
            value, slope = torch_peer.activation_and_slope(activations.build(name, options), z)
            index.append([name, options])
            values.append(value)
            slopes.append(slope)
    save("activations", index, z=z, values=np.stack(values), slopes=np.stack(slopes))


def traces(rng: np.random.Generator) -> None:
    """Every optimizer of `RULES` on one sequence of gradients."""
    start, grads = gradient_sequence(rng)
    index = [(name, options) for name, variants in RULES.items() for options in variants]
    rules = ((name, optimizers.build(name, options)) for name, options in index)
    found = [torch_peer.optimizer_trace(name, rule, start, grads) for name, rule in rules]
    save("optimizers", index, start=start, grads=grads, traces=np.stack(found))


def wirings() -> None:
    """Every wiring with every norm: loss, sketches of the gradient, loss in evaluation."""
    values, found = [], []
    for case in every_wired():
        graph = case.graph
        value, gradient, evaluated = torch_wiring.results(case, graph.size)
        values.append([value, evaluated])
        found.append(sketches(gradient, [param.size for _, param in graph.params]))
    index = [[case.wiring, case.norm, case.activation] for case in every_wired()]
    save("wirings", index, values=np.array(values), sketches=np.concatenate(found))


def schedule_rates() -> None:
    """Every schedule of `SCHEDULES`."""
    rates = [torch_peer.schedule_trace(name, options) for name, options in SCHEDULES]
    save("schedules", SCHEDULES, rates=np.stack(rates))


def main() -> None:
    """Write all files."""
    gradients(np.random.default_rng(SEED))
    values_and_slopes()
    traces(np.random.default_rng(SEED))
    wirings()
    schedule_rates()
    for file in sorted(FOLDER.glob("*.npz")):
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
