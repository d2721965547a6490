"""Mean-field predictions of a network at initialization: see `predict`.

Plain networks are followed layer by layer (`flow`), with what finite widths add
(`finite_width`); `wirings` holds what is known in closed form of others.
"""

from vgrad.theory.batch_norm import predict_batch_norm
from vgrad.theory.flow import Flow, flow_of
from vgrad.theory.layers import Inputs, Layers, NothingToSay, alignment_of_classes
from vgrad.theory.prediction import Prediction, as_measured, predict
from vgrad.theory.residual import Blocks, predict_residual

__all__ = [
    "Blocks",
    "Flow",
    "Inputs",
    "Layers",
    "NothingToSay",
    "Prediction",
    "alignment_of_classes",
    "as_measured",
    "flow_of",
    "predict",
    "predict_batch_norm",
    "predict_residual",
]
