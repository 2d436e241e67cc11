"""Moving scenes: videos whose every pixel and object is labelled, for tasks that see what is where, and where it goes.

`motion` moves the objects, `looks` dresses them, `rendering` paints frames and reads the labels off, `scenes` holds the result.
`tasks` says what can be learned from pairs of frames, `targets` makes its targets, `pairs` the splits, `boxes` decodes answers.
`box_targets` makes the targets of boxes in any other images.
"""

from mtl_utils.datasets.moving_scenes.box_targets import Boxes, box_targets, boxes_in_targets
from mtl_utils.datasets.moving_scenes.boxes import Detections, decode
from mtl_utils.datasets.moving_scenes.making import moving_scenes
from mtl_utils.datasets.moving_scenes.pairs import all_pairs, pairs_of
from mtl_utils.datasets.moving_scenes.rendering import boxes_of
from mtl_utils.datasets.moving_scenes.scenes import MovingScenes, Scenes
from mtl_utils.datasets.moving_scenes.targets import centers_of, detection_targets, lost_objects, tracking_targets
from mtl_utils.datasets.moving_scenes.tasks import Detection, detection, scene_tasks

__all__ = [
    "Boxes",
    "Detection",
    "Detections",
    "MovingScenes",
    "Scenes",
    "all_pairs",
    "box_targets",
    "boxes_in_targets",
    "boxes_of",
    "centers_of",
    "decode",
    "detection",
    "detection_targets",
    "lost_objects",
    "moving_scenes",
    "pairs_of",
    "scene_tasks",
    "tracking_targets",
]
