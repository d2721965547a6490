"""What theory says of an experiment's network."""

from dataclasses import replace

import numpy as np

from vgrad.errors import RequestError
from vgrad.experiment import Experiment
from vgrad.forecast.content import Depths, Forecast
from vgrad.forecast.words import explained, repelled
from vgrad.nn.initializers import Initializer
from vgrad.nn.meanfield import Settled
from vgrad.nn.norms import BatchNorm, LayerNorm, NoNorm, Norm, RMSNorm, WeightNorm, norms
from vgrad.nn.wiring import connectivities
from vgrad.nn.wiring.plain import Plain
from vgrad.nn.wiring.residual import Residual
from vgrad.theory import (
    Blocks,
    Inputs,
    Layers,
    NothingToSay,
    Prediction,
    alignment_of_classes,
    predict,
    predict_batch_norm,
    predict_residual,
)

EXAMPLES = 10_000
"""Whose strength and overlap are looked at: their means are known to a percent, and of 60,000
images it would take a tenth of a second."""


def theoretical(experiment: Experiment) -> Forecast:
    """The forecast by theory alone; nothing is drawn or trained.

    Raises:
        NothingToSay: theory does not cover this network.
        RequestError: the initializer cannot serve it.
    """
    layers, prediction = predicted(experiment)
    return Forecast(
        prediction.layers,
        depths_of(prediction.settled),
        prediction.verdict,
        explained(layers, prediction),
        "theory",
        notes=repelled(layers, prediction),
    )


def predicted(experiment: Experiment) -> tuple[Layers, Prediction]:
    """The network as theory sees it, and what follows.

    Raises:
        As `theoretical`.
    """
    model = experiment.config.model
    norm = norms.build(model.norm.name, model.norm.options)
    wiring = connectivities.build(model.connectivity.name, model.connectivity.options)
    if model.dropout:
        raise NothingToSay("it does not follow the noise of dropout")
    if not isinstance(wiring, Plain | Residual):
        raise NothingToSay(f"it does not follow {model.connectivity.name} connections")
    layers, inputs = layers_of(experiment, norm), inputs_of(experiment)
    if isinstance(wiring, Residual):
        return layers, predict_residual(layers, inputs, blocks_of(experiment, wiring, norm))
    if isinstance(norm, BatchNorm):
        return layers, predict_batch_norm(layers, inputs)
    return layers, predict(layers, inputs)


def layers_of(experiment: Experiment, norm: Norm) -> Layers:
    """The weight layers of the network, with this norm.

    Raises:
        As `theoretical`.
    """
    graph = experiment.graph
    first = graph.layers[0].weight.shape[1] - 1
    sizes = [first, *(layer.weight.shape[0] for layer in graph.layers)]
    weights, biases = experiment.initializers
    try:
        if not graph.blocks:
            weights.arrange(())
        elif type(weights).arrange is not Initializer.arrange:
            raise NothingToSay("it does not follow weights that know of their block")
        layers = Layers.of(sizes, graph.activation, weights, biases)
    except RequestError as error:
        raise experiment.located(*error.problems) from None
    layers = replace(layers, names=tuple(layer.name for layer in graph.layers))
    if isinstance(norm, NoNorm | WeightNorm):  # whose weights begin as they would without it
        return layers
    if not isinstance(norm, BatchNorm | LayerNorm | RMSNorm):
        raise NothingToSay(f"it does not follow {experiment.config.model.norm.name} norm")
    if norm.placement != "before":
        raise NothingToSay("it does not follow norms that stand after the activation")
    if layers.bias_mean and isinstance(norm, RMSNorm):
        raise NothingToSay("it does not follow rms norm of units that all have the same bias")
    return replace(layers, activation=graph.activation, norm_eps=norm.eps)  # takes all means away


def blocks_of(experiment: Experiment, wiring: Residual, norm: Norm) -> Blocks:
    """How the layers are wired.

    Raises:
        NothingToSay: theory does not cover such blocks.
    """
    blocks = experiment.graph.blocks
    if wiring.order == "post":
        raise NothingToSay("it does not follow blocks that end in an activation (order: post)")
    if isinstance(norm, BatchNorm):
        raise NothingToSay("it does not follow batch norm in residual blocks")
    if wiring.zero_last or any(block.projected for block in blocks):
        raise NothingToSay("it does not follow branches that begin at 0, nor projections")
    gate = 1.0 if wiring.gate is None else wiring.gate
    scale = gate * blocks[0].end.scale
    return Blocks(wiring.order, tuple(len(block.layers) for block in blocks), scale)


def inputs_of(experiment: Experiment) -> Inputs:
    """What the network notices of data and loss."""
    data = experiment.dataset
    x = data.x_train[:EXAMPLES]  # which stand in random order
    if data.task == "classification":
        alignment = alignment_of_classes(experiment.graph.output.rows)
    else:  # the errors of a network that puts out little are the targets
        y = data.y_train[:EXAMPLES].astype(np.float64)
        sizes = np.linalg.norm(y, axis=1, keepdims=True)
        y = np.divide(y, sizes, out=np.zeros_like(y), where=sizes > 0.0)
        alignment = float(np.sum((y.T @ y) ** 2)) / max(len(y), 1) ** 2
    return Inputs.of(x, experiment.batch_size, alignment)


def depths_of(settled: Settled | None) -> Depths:
    """As plain numbers; all missing where layers are not alike."""
    if settled is None:
        return Depths()
    names = ("q_star", "c_star", "chi_1", "xi_q", "xi_c", "xi_grad", "trainable_depth")
    numbers = {name: float(getattr(settled, name)) for name in names}
    return Depths(**numbers, phase=settled.phase)
