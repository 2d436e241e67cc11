"""One's own images: readers for folders, all of which give `FolderSplits`."""

from mtl_utils.datasets.folders.augmentation import Augmentation
from mtl_utils.datasets.folders.boxes import BoxFile
from mtl_utils.datasets.folders.class_folders import from_class_folders
from mtl_utils.datasets.folders.coco import CocoBoxes, read_coco
from mtl_utils.datasets.folders.coco_folder import from_coco
from mtl_utils.datasets.folders.decoding import ImageFileError, decode, decode_mask, decode_values
from mtl_utils.datasets.folders.describe import Description, describe
from mtl_utils.datasets.folders.example import other_pictures, write_example_folder
from mtl_utils.datasets.folders.example_boxes import write_example_boxes
from mtl_utils.datasets.folders.framing import Frame, frame
from mtl_utils.datasets.folders.image_table import from_table
from mtl_utils.datasets.folders.masks import MaskFolder
from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.datasets.folders.splits import FolderSplits
from mtl_utils.datasets.folders.torchvision_sets import celeba, oxford_pets
from mtl_utils.datasets.folders.values import ValueFolder
from mtl_utils.datasets.pixels import Normalization

# Of the images that torchvision's pretrained networks were trained on.
IMAGENET = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

__all__ = [
    "IMAGENET",
    "Augmentation",
    "BoxFile",
    "CocoBoxes",
    "Description",
    "FolderError",
    "FolderSplits",
    "Frame",
    "ImageFileError",
    "MaskFolder",
    "Normalization",
    "ValueFolder",
    "celeba",
    "decode",
    "decode_mask",
    "decode_values",
    "describe",
    "frame",
    "from_class_folders",
    "from_coco",
    "from_table",
    "other_pictures",
    "oxford_pets",
    "read_coco",
    "write_example_boxes",
    "write_example_folder",
]
