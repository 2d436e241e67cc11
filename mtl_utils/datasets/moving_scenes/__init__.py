"""Moving scenes: videos whose every pixel and object is labelled, for tasks that see what is where, and where it goes.

`motion` moves the objects, `looks` dresses them, `rendering` paints frames and reads the labels off, `scenes` holds the result.
"""

from mtl_utils.datasets.moving_scenes.making import moving_scenes
from mtl_utils.datasets.moving_scenes.rendering import boxes_of
from mtl_utils.datasets.moving_scenes.scenes import MovingScenes, Scenes

__all__ = ["MovingScenes", "Scenes", "boxes_of", "moving_scenes"]
