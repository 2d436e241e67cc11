"""Sliders on live training: one moves a loss weight and sees what it does, while the network is training."""

from mtl_utils.lab.loss_weight_lab import LossWeightLab

__all__ = ["LossWeightLab"]
