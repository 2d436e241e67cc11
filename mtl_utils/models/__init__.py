"""Encoders as sequences of stages, heads, and one file per way of sharing."""

from mtl_utils.models.hard_sharing import HardSharing, hard_sharing, single_task
from mtl_utils.models.heads import PixelHead, make_head
from mtl_utils.models.lenet import lenet
from mtl_utils.models.multi_task_model import MultiTaskModel, Part, count_parameters
from mtl_utils.models.resnet import resnet18
from mtl_utils.models.saving import WeightsFileError, load_weights, save_weights
from mtl_utils.models.separate_networks import SeparateNetworks, separate_networks
from mtl_utils.models.small_cnn import small_cnn
from mtl_utils.models.stages import EncoderFactory, stage_shapes

__all__ = [
    "EncoderFactory",
    "HardSharing",
    "MultiTaskModel",
    "Part",
    "PixelHead",
    "SeparateNetworks",
    "WeightsFileError",
    "count_parameters",
    "hard_sharing",
    "lenet",
    "load_weights",
    "make_head",
    "resnet18",
    "save_weights",
    "separate_networks",
    "single_task",
    "small_cnn",
    "stage_shapes",
]
