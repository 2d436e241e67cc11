"""Encoders as sequences of stages, heads, and one file per way of sharing."""

from mtl_utils.models.adapters import Adapter, TaskAdapters
from mtl_utils.models.base import HasTasks, MultiTaskModel, Outputs, Part, count_parameters
from mtl_utils.models.columns.base import Columns
from mtl_utils.models.columns.cross_stitch import CrossStitch, CrossStitchUnit, cross_stitch
from mtl_utils.models.columns.crossed import CrossedColumns, Crossing
from mtl_utils.models.columns.nddr import NDDR, NDDRLayer, nddr
from mtl_utils.models.columns.twin import TwinColumns, twin_columns
from mtl_utils.models.encoders.backbone import backbone
from mtl_utils.models.encoders.lenet import lenet
from mtl_utils.models.encoders.pretrained import PretrainedWeightsError
from mtl_utils.models.encoders.resnet import resnet18
from mtl_utils.models.encoders.small_cnn import small_cnn
from mtl_utils.models.encoders.stages import EncoderFactory, stage_shapes
from mtl_utils.models.experts.customized_gate_control import (
    CustomizedGateControl,
    customized_gate_control,
    progressive_layered_extraction,
)
from mtl_utils.models.experts.gate import Gate
from mtl_utils.models.experts.mixture_of_experts import MixtureOfExperts, mixture_of_experts
from mtl_utils.models.exporting import FromPixels
from mtl_utils.models.freezing import FrozenEncoder, HeadsAlone, freeze
from mtl_utils.models.hard_sharing import HardSharing, hard_sharing
from mtl_utils.models.heads import PixelHead, make_head
from mtl_utils.models.mtan import MTAN, AttentionModule, mtan
from mtl_utils.models.pareto_manifold import ParetoManifold, pareto_manifold
from mtl_utils.models.saving import WeightsFileError, load_weights, save_weights
from mtl_utils.models.scenes.network import SceneNetwork, scene_network
from mtl_utils.models.separate_networks import SeparateNetworks, separate_networks, single_task

__all__ = [
    "MTAN",
    "NDDR",
    "Adapter",
    "AttentionModule",
    "Columns",
    "CrossStitch",
    "CrossStitchUnit",
    "CrossedColumns",
    "Crossing",
    "CustomizedGateControl",
    "EncoderFactory",
    "FromPixels",
    "FrozenEncoder",
    "Gate",
    "HardSharing",
    "HasTasks",
    "HeadsAlone",
    "MixtureOfExperts",
    "MultiTaskModel",
    "NDDRLayer",
    "Outputs",
    "ParetoManifold",
    "Part",
    "PixelHead",
    "PretrainedWeightsError",
    "SceneNetwork",
    "SeparateNetworks",
    "TaskAdapters",
    "TwinColumns",
    "WeightsFileError",
    "backbone",
    "count_parameters",
    "cross_stitch",
    "customized_gate_control",
    "freeze",
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
    "scene_network",
    "separate_networks",
    "single_task",
    "small_cnn",
    "stage_shapes",
    "twin_columns",
]
