"""Images with targets for several tasks, whole in memory, in splits for training, choosing and testing."""

from mtl_utils.data.digits import ATTRIBUTES, digits
from mtl_utils.data.labels import with_few_labels, with_label_noise
from mtl_utils.data.moving_scenes import MovingScenes, Scenes, boxes_of, moving_scenes
from mtl_utils.data.placed_digits import place, placed_digits
from mtl_utils.data.sources import DataFileError, Source, data_folder, load_source
from mtl_utils.data.split import Batch, MultiTaskData, Normalisation, Split, Targets
from mtl_utils.data.two_objects import fashion_and_mnist, multi_fashion_mnist, multi_mnist, overlay

__all__ = [
    "ATTRIBUTES",
    "Batch",
    "DataFileError",
    "MovingScenes",
    "MultiTaskData",
    "Normalisation",
    "Scenes",
    "Source",
    "Split",
    "Targets",
    "boxes_of",
    "data_folder",
    "digits",
    "fashion_and_mnist",
    "load_source",
    "moving_scenes",
    "multi_fashion_mnist",
    "multi_mnist",
    "overlay",
    "place",
    "placed_digits",
    "with_few_labels",
    "with_label_noise",
]
