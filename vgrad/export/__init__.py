"""Runs for the tools that people already use: TensorBoard, MLflow, Weights & Biases, tables."""

from vgrad.export.exporting import Exported, export, targets

__all__ = ["Exported", "export", "targets"]
