"""One frame of the final picture: boxes, classes, tracks, masks and depths that belong together; true ones and found ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mtl_utils.datasets.moving_scenes import Scenes
from mtl_utils.datasets.moving_scenes.boxes import Detections

VISIBLE = 0.25  # an object counts where at least this share of it is visible

_NO_MASKS = "this frame has boxes and tracks, but no masks: integrate it with class maps first"


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """The M objects of one frame.

    Attributes:
        boxes: `float32` `[M, 4]`, x0, y0, x1, y1 in pixels, as edges.
        classes: `int64` `[M]`.
        tracks: `int64` `[M]`, the same number for the same object in all frames of a video.
        instances: `int64` `[H, W]`, whose pixel it is: 0 background, m + 1 the object in row m. `None` without masks.
        depths: `float32` `[M]`, the smaller the nearer. `None` without depths.
        scores: `float32` `[M]`, how sure. `None` for true objects.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 4.0, 2.0]])
        >>> TrackedFrame(box, classes=torch.tensor([3]), tracks=torch.tensor([0])).centers.tolist()
        [[2.0, 1.0]]
    """

    boxes: Tensor
    classes: Tensor
    tracks: Tensor
    instances: Tensor | None = None
    depths: Tensor | None = None
    scores: Tensor | None = None

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def centers(self) -> Tensor:
        """Middle of each box, `[M, 2]`: x and y in pixels."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2

    @property
    def masks(self) -> Tensor:
        """Pixels of each object, `bool` `[M, H, W]`.

        Raises:
            ValueError: if the frame has no masks.
        """
        if self.instances is None:
            raise ValueError(_NO_MASKS)
        return self.instances == torch.arange(1, len(self) + 1, device=self.instances.device).view(-1, 1, 1)

    @property
    def class_map(self) -> Tensor:
        """Class of each pixel, `int64` `[H, W]`: 0 background, c + 1 for class c."""
        return self.class_and_instance[0]

    @property
    def class_and_instance(self) -> tuple[Tensor, Tensor]:
        """Class (0 background, c + 1 for class c) and object (0 background, m + 1 for row m) of each pixel, two `[H, W]`."""
        if self.instances is None:
            raise ValueError(_NO_MASKS)
        return torch.cat([torch.zeros(1, dtype=torch.int64), self.classes + 1])[self.instances], self.instances

    def pick(self, which: Tensor) -> TrackedFrame:
        """Some of the objects: `which` is a boolean mask `[M]`, or numbers in the order that is wanted."""
        rows = torch.arange(len(self))[which]
        instances = self.instances
        if instances is not None:
            numbers = torch.zeros(len(self) + 1, dtype=torch.int64)
            numbers[rows + 1] = torch.arange(1, len(rows) + 1)
            instances = numbers[instances]
        depths = None if self.depths is None else self.depths[rows]
        scores = None if self.scores is None else self.scores[rows]
        return TrackedFrame(self.boxes[rows], self.classes[rows], self.tracks[rows], instances, depths, scores)


def tracked_frames(detections: list[Detections], tracks: list[Tensor]) -> list[TrackedFrame]:
    """Boxes and their tracks, frame by frame, without masks and depths. Boxes without a track (-1) are left out.

    Example:
        >>> boxes = torch.tensor([[0.0, 0.0, 8.0, 8.0], [4.0, 4.0, 9.0, 9.0]])
        >>> found = Detections(boxes, torch.ones(2), classes=torch.tensor([3, 3]), cells=torch.tensor([[1, 1], [2, 2]]))
        >>> tracked_frames([found], [torch.tensor([0, -1])])[0].tracks.tolist()  # the second box belongs to no track
        [0]
    """
    frames = []
    for found, numbers in zip(detections, tracks, strict=True):
        kept = numbers >= 0
        some = found.pick(kept)
        frames.append(TrackedFrame(some.boxes, some.classes, numbers[kept], scores=some.scores))
    return frames


def true_frames(scenes: Scenes, scene: int, *, visible: float = VISIBLE) -> list[TrackedFrame]:
    """The labels of one video, frame by frame: every object of which at least the share `visible` can be seen.

    Masks are those of these objects alone: the pixels of an object that hardly shows are background here.

    Example:
        >>> from mtl_utils import datasets
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=3, size=32, objects=(2, 2)).train
        >>> [len(frame) for frame in true_frames(scenes, 0, visible=0.0)]  # two objects in each frame
        [2, 2, 2]
    """
    every = []
    for frame in range(scenes.frame_count):
        objects = TrackedFrame(
            scenes.boxes[scene, frame],
            scenes.classes[scene, frame],
            scenes.tracks[scene, frame],
            scenes.instances[scene, frame].long(),
            scenes.depths[scene, frame],
        )
        # An object that covers no pixel has no box, even at visible=0.
        seen = scenes.visibility[scene, frame]
        every.append(objects.pick((seen >= visible) & (seen > 0)))
    return every
