"""Encoders as sequences of stages, heads, and one file per way of sharing."""

from mtl_utils.models.columns import Columns
from mtl_utils.models.concave_front import ConcaveFront
from mtl_utils.models.cross_stitch import CrossStitch, CrossStitchUnit, cross_stitch
from mtl_utils.models.crossed_columns import CrossedColumns, Crossing
from mtl_utils.models.customized_gate_control import (
    CustomizedGateControl,
    customized_gate_control,
    progressive_layered_extraction,
)
from mtl_utils.models.distance_penalty import DecoupledDistancePenalty, DistancePenalty
from mtl_utils.models.gate import Gate
from mtl_utils.models.gate_balance import GateBalance
from mtl_utils.models.hard_sharing import HardSharing, hard_sharing, single_task
from mtl_utils.models.heads import PixelHead, make_head
from mtl_utils.models.lenet import lenet
from mtl_utils.models.mixture_of_experts import MixtureOfExperts, mixture_of_experts
from mtl_utils.models.mtan import MTAN, AttentionModule, mtan
from mtl_utils.models.multi_task_model import MultiTaskModel, Part, count_parameters
from mtl_utils.models.nddr import NDDR, NDDRLayer, nddr
from mtl_utils.models.pareto_manifold import ParetoManifold, pareto_manifold
from mtl_utils.models.penalty import Penalty
from mtl_utils.models.resnet import resnet18
from mtl_utils.models.saving import WeightsFileError, load_weights, save_weights
from mtl_utils.models.separate_networks import SeparateNetworks, separate_networks
from mtl_utils.models.small_cnn import small_cnn
from mtl_utils.models.stages import EncoderFactory, stage_shapes
from mtl_utils.models.twin_columns import TwinColumns, twin_columns

__all__ = [
    "MTAN",
    "NDDR",
    "AttentionModule",
    "Columns",
    "ConcaveFront",
    "CrossStitch",
    "CrossStitchUnit",
    "CrossedColumns",
    "Crossing",
    "CustomizedGateControl",
    "DecoupledDistancePenalty",
    "DistancePenalty",
    "EncoderFactory",
    "Gate",
    "GateBalance",
    "HardSharing",
    "MixtureOfExperts",
    "MultiTaskModel",
    "NDDRLayer",
    "ParetoManifold",
    "Part",
    "Penalty",
    "PixelHead",
    "SeparateNetworks",
    "TwinColumns",
    "WeightsFileError",
    "count_parameters",
    "cross_stitch",
    "customized_gate_control",
    "hard_sharing",
    "lenet",
    "load_weights",
    "make_head",
    "mixture_of_experts",
    "mtan",
    "nddr",
    "pareto_manifold",
    "progressive_layered_extraction",
    "resnet18",
    "save_weights",
    "separate_networks",
    "single_task",
    "small_cnn",
    "stage_shapes",
    "twin_columns",
]
