"""The same mathematics in PyTorch, as one would write it there. Imports PyTorch when called."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from reference.cases import PEAK, UPDATES, Case, Vector, name_of, observed_losses

from vgrad.nn.activations import activations
from vgrad.nn.losses import losses


def activation_table() -> dict[str, Callable[[Any, Any], Any]]:
    """φ by name, of (z, the activation with its options)."""
    import torch
    from torch.nn import functional

    return {
        "identity": lambda z, _: z,
        "relu": lambda z, _: functional.relu(z),
        "leaky_relu": lambda z, phi: functional.leaky_relu(z, phi.negative_slope),
        "elu": lambda z, phi: functional.elu(z, phi.alpha),
        "selu": lambda z, _: functional.selu(z),
        "celu": lambda z, phi: functional.celu(z, phi.alpha),
        "gelu": lambda z, _: functional.gelu(z),
        "gelu_tanh": lambda z, _: functional.gelu(z, approximate="tanh"),
        "silu": lambda z, _: functional.silu(z),
        "mish": lambda z, _: functional.mish(z),
        "softplus": lambda z, _: functional.softplus(z, threshold=1e3),  # by default linear from 20
        "softsign": lambda z, _: functional.softsign(z),
        "sigmoid": lambda z, _: torch.sigmoid(z),
        # functional.hardsigmoid's derivative is a single-precision 1/6 even in double precision
        "hard_sigmoid": lambda z, _: functional.relu6(z + 3.0) / 6.0,
        "tanh": lambda z, _: torch.tanh(z),
        "hard_tanh": lambda z, _: functional.hardtanh(z),
        "lecun_tanh": lambda z, _: 1.7159 * torch.tanh(2.0 / 3.0 * z),
    }


def loss_table() -> dict[str, Callable[[Any, Any, Any], Any]]:
    """The losses by name, of (y, t, the loss with its options), y and t `(batch, outputs)`."""
    from torch.nn import functional

    return {
        "mse": lambda y, t, _: functional.mse_loss(y, t),
        "mae": lambda y, t, _: functional.l1_loss(y, t),
        "huber": lambda y, t, loss: functional.huber_loss(y, t, delta=loss.delta),
        "cross_entropy": lambda y, t, _: functional.cross_entropy(y, t),
        "binary_cross_entropy": lambda y, t, _: functional.binary_cross_entropy_with_logits(y, t),
    }


def value_and_gradients(case: Case) -> tuple[float, list[Vector]]:
    """Autograd's loss with penalties, and its gradient by layer, laid out as the engine's."""
    import torch
    from torch.nn import functional

    phi = activation_table()[name_of(case.activation, activations)]
    measure = loss_table()[name_of(case.loss, losses)]
    layers: list[tuple[Any, Any]] = []
    h, start = torch.tensor(case.x.T), 0
    penalty = torch.zeros((), dtype=torch.float64)
    for fan_in, fan_out in pairwise(case.sizes):
        stop = start + fan_out * (1 + fan_in)
        block = torch.tensor(case.params[start:stop].reshape(fan_out, 1 + fan_in))
        bias, weight = block[:, 0].clone(), block[:, 1:].clone()
        bias.requires_grad_()
        weight.requires_grad_()
        z = functional.linear(h, weight, bias)
        h = z if stop == len(case.params) else phi(z, case.activation)
        penalty = penalty + case.penalties.l1 * weight.abs().sum()
        penalty = penalty + 0.5 * case.penalties.l2 * weight.square().sum()
        layers.append((bias, weight))
        start = stop
    value = measure(h, torch.tensor(case.t.T), case.loss) + penalty
    value.backward()
    grads = [torch.cat([b.grad[:, None], w.grad], dim=1).numpy() for b, w in layers]
    return value.item(), grads


def activation_and_slope(part: Any, z: Vector) -> tuple[Vector, Vector]:
    """φ(z) and φ′(z)."""
    import torch

    points: Any = torch.tensor(z, requires_grad=True)
    values = activation_table()[name_of(part, activations)](points, part)
    values.sum().backward()
    return values.detach().numpy(), points.grad.numpy()


def optimizer_table() -> dict[str, Callable[[Any], tuple[str, dict[str, Any]]]]:
    """The class in torch.optim and its arguments besides lr, by our name, of our rule."""

    def adam(rule: Any) -> dict[str, Any]:
        return {"betas": rule.betas, "eps": rule.eps}

    return {
        "sgd": lambda _: ("SGD", {}),
        "momentum": lambda rule: ("SGD", {"momentum": rule.momentum}),
        "nesterov": lambda rule: ("SGD", {"momentum": rule.momentum, "nesterov": True}),
        "adagrad": lambda rule: ("Adagrad", {"eps": rule.eps}),
        "adadelta": lambda rule: ("Adadelta", {"rho": rule.rho, "eps": rule.eps}),
        "rmsprop": lambda rule: ("RMSprop", {"alpha": rule.alpha, "eps": rule.eps}),
        "adam": lambda rule: ("Adam", adam(rule)),
        "amsgrad": lambda rule: ("Adam", {**adam(rule), "amsgrad": True}),
        "adamw": lambda rule: ("AdamW", {**adam(rule), "weight_decay": rule.weight_decay}),
        "adamax": lambda rule: ("Adamax", adam(rule)),
        "nadam": lambda rule: ("NAdam", {**adam(rule), "momentum_decay": rule.momentum_decay}),
        "radam": lambda rule: ("RAdam", adam(rule)),
        "rprop": lambda rule: ("Rprop", {"etas": rule.etas, "step_sizes": rule.step_sizes}),
    }


def schedule_trace(name: str, options: dict[str, Any]) -> Vector:
    """The rates that torch.optim.lr_scheduler sets, update by update."""
    import torch
    from torch.optim import lr_scheduler as kinds

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=PEAK)
    given = dict(options)
    lowest = {"eta_min": given.pop("min_lr", 0.0)}
    builders: dict[str, Callable[[], Any]] = {
        "constant": lambda: kinds.LambdaLR(optimizer, lambda _: 1.0),
        "step": lambda: kinds.StepLR(optimizer, **given),
        "multistep": lambda: kinds.MultiStepLR(optimizer, **given),
        "exponential": lambda: kinds.ExponentialLR(optimizer, **given),
        "cosine": lambda: kinds.CosineAnnealingLR(optimizer, UPDATES, **lowest),
        "cosine_restarts": lambda: kinds.CosineAnnealingWarmRestarts(
            optimizer, given["period"], given.get("mult", 1), **lowest
        ),
        "one_cycle": lambda: kinds.OneCycleLR(
            optimizer,
            PEAK,
            UPDATES,
            pct_start=given.get("pct_start", 0.3),
            anneal_strategy=given.get("anneal_strategy", "cos"),
            div_factor=given.get("div_factor", 25.0),
            cycle_momentum=False,
        ),
        "plateau": lambda: kinds.ReduceLROnPlateau(
            optimizer,
            min_lr=lowest["eta_min"],
            **{option: v for option, v in given.items() if option != "window"},
        ),
    }
    schedule = builders[name]()
    rates = np.empty(UPDATES)
    for step, loss in enumerate(observed_losses()):
        rates[step] = optimizer.param_groups[0]["lr"]
        optimizer.step()
        if step + 1 < UPDATES:
            schedule.step(*([float(loss)] if name == "plateau" else []))
    return rates


def optimizer_trace(name: str, rule: Any, start: Vector, grads: Vector) -> Vector:
    """The parameters after each step, `(steps, n)`, of torch.optim fed with these gradients."""
    import torch

    kind, options = optimizer_table()[name](rule)
    params = torch.tensor(start, requires_grad=True)
    optimizer = getattr(torch.optim, kind)([params], lr=rule.lr, **options)
    trace = np.empty_like(grads)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # NAdam keeps its product of momenta in the default
    try:
        for step, grad in enumerate(grads):
            params.grad = torch.tensor(grad)
            optimizer.step()
            trace[step] = params.detach().numpy()
    finally:
        torch.set_default_dtype(default)
    return trace


def clipped_gradients(name: str, clip: Any, grads: list[Vector]) -> list[Vector]:
    """These gradients, one for each tensor, after torch.nn.utils."""
    from torch import nn, tensor
    from torch.nn.utils import clip_grad_norm_, clip_grad_value_

    params = [nn.Parameter(tensor(g)) for g in grads]
    for param, grad in zip(params, grads, strict=True):
        param.grad = tensor(grad)
    if name == "norm":
        clip_grad_norm_(params, clip.max_norm)
    else:
        clip_grad_value_(params, clip.clip_value)
    return [param.grad.numpy() for param in params if param.grad is not None]
