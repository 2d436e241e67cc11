"""Sliders on live training: one moves a loss weight and sees what it does, while the network is training."""

from mtl_utils.lab.arrows_lab import ArrowsLab
from mtl_utils.lab.concave_front_lab import ConcaveFrontLab
from mtl_utils.lab.conflict_lab import ConflictLab
from mtl_utils.lab.loss_weight_lab import LossWeightLab
from mtl_utils.lab.penalty_lab import PenaltyLab
from mtl_utils.lab.steerable_lab import SteerableLab
from mtl_utils.lab.threshold_lab import ThresholdLab
from mtl_utils.lab.valleys_lab import ValleysLab

__all__ = [
    "ArrowsLab",
    "ConcaveFrontLab",
    "ConflictLab",
    "LossWeightLab",
    "PenaltyLab",
    "SteerableLab",
    "ThresholdLab",
    "ValleysLab",
]
