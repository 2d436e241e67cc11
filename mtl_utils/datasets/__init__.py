"""Images with targets for several tasks, whole in memory, in splits for training, choosing and testing."""

from mtl_utils.datasets.attributes import with_attributes
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.digits import ATTRIBUTES, digits
from mtl_utils.datasets.features import Features
from mtl_utils.datasets.folders import (
    IMAGENET,
    Augmentation,
    BoxFile,
    FolderError,
    FolderSplits,
    MaskFolder,
    ValueFolder,
    celeba,
    describe,
    from_class_folders,
    from_coco,
    from_table,
    other_pictures,
    oxford_pets,
    read_coco,
    write_example_boxes,
    write_example_folder,
)
from mtl_utils.datasets.labels import with_few_labels, with_label_noise
from mtl_utils.datasets.moving_scenes import (
    Boxes,
    Detection,
    MovingScenes,
    Scenes,
    box_targets,
    boxes_in_targets,
    boxes_of,
    detection,
    lost_objects,
    moving_scenes,
)
from mtl_utils.datasets.pixels import Normalization
from mtl_utils.datasets.placed_digits import place, placed_digits
from mtl_utils.datasets.sources import DataFileError, Source, data_folder, load_source
from mtl_utils.datasets.splits import Splits
from mtl_utils.datasets.two_objects import fashion_and_mnist, multi_fashion_mnist, multi_mnist, overlay
from mtl_utils.tasks import Batch, Targets

__all__ = [
    "ATTRIBUTES",
    "IMAGENET",
    "Augmentation",
    "Batch",
    "BoxFile",
    "Boxes",
    "DataFileError",
    "Detection",
    "Features",
    "FolderError",
    "FolderSplits",
    "MaskFolder",
    "MovingScenes",
    "MultiTaskDataset",
    "Normalization",
    "Scenes",
    "Source",
    "Splits",
    "Targets",
    "ValueFolder",
    "box_targets",
    "boxes_in_targets",
    "boxes_of",
    "celeba",
    "data_folder",
    "describe",
    "detection",
    "digits",
    "fashion_and_mnist",
    "from_class_folders",
    "from_coco",
    "from_table",
    "load_source",
    "lost_objects",
    "moving_scenes",
    "multi_fashion_mnist",
    "multi_mnist",
    "other_pictures",
    "overlay",
    "oxford_pets",
    "place",
    "placed_digits",
    "read_coco",
    "with_attributes",
    "with_few_labels",
    "with_label_noise",
    "write_example_boxes",
    "write_example_folder",
]
