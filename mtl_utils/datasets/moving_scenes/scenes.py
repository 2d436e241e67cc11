"""The videos of one split with every label, and the single frames of them as an ordinary split."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from mtl_utils._checks import check_positive
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.datasets.moving_scenes.motion import BACKGROUND_DEPTH
from mtl_utils.datasets.moving_scenes.rendering import instances_to_masks
from mtl_utils.datasets.splits import Splits
from mtl_utils.tasks import pixel_classification, pixel_regression


@dataclass(frozen=True, eq=False)
class Scenes:
    """S videos of T frames with at most K objects each.

    Place k of K is the same object in all frames of a video. A video with fewer objects leaves its last places empty: their
    class, track and source are -100, their visibility is 0, their real-valued labels are `NaN`. An object that is wholly
    hidden in a frame keeps its class, track, centre, depth and displacement there, and has visibility 0 and the box `NaN`. So
    has an object that is too small or thin to cover any pixel by more than half (a digit in a small frame), even if nothing
    hides it.

    Attributes:
        videos: `uint8` `[S, T, 3, H, W]`.
        instances: `uint8` `[S, T, H, W]`, whose pixel it is: 0 background, k + 1 the object in place k.
        boxes: `float32` `[S, T, K, 4]`, x0, y0, x1, y1 of the *visible* pixels, as edges: the first pixel has x0 = 0, x1 = 1.
        visibility: `float32` `[S, T, K]`, the visible share of the object's pixels, 0 to 1.
        classes: `int64` `[S, T, K]`, 0 to 9.
        tracks: `int64` `[S, T, K]`, which object of the video it is: the same number in all its frames.
        centres: `float32` `[S, T, K, 2]`, x and y in pixels of the middle of the whole object.
        depths: `float32` `[S, T, K]`, 1 (nearest) to 2.4; the size in pixels is proportional to 1/depth. Background: 3.
        displacements: `float32` `[S, T, K, 2]`, centre minus the centre in the previous frame; `NaN` in the first frame.
        sources: `int64` `[S, K]`, number of the published image that the object was cut from.
        class_names: names of the ten classes.
    """

    videos: Tensor
    instances: Tensor
    boxes: Tensor
    visibility: Tensor
    classes: Tensor
    tracks: Tensor
    centres: Tensor
    depths: Tensor
    displacements: Tensor
    sources: Tensor
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.videos)

    def __repr__(self) -> str:
        height, width = self.videos.shape[-2:]
        return f"Scenes({len(self):,} videos of {self.frame_count} frames of {height}×{width}, up to {self.places} objects)"

    @property
    def frame_count(self) -> int:
        """Frames per video, T."""
        return self.videos.shape[1]

    @property
    def places(self) -> int:
        """Most objects in a video, K."""
        return self.sources.shape[1]

    @property
    def masks(self) -> Tensor:
        """Each object's visible pixels, `bool` `[S, T, K, H, W]`."""
        return instances_to_masks(self.instances, self.places)

    @property
    def class_maps(self) -> Tensor:
        """Each pixel's class, `int8` `[S, T, H, W]`: 0 background, c + 1 for class c."""
        return self._map(0, (self.classes + 1).to(torch.int8))

    @property
    def depth_maps(self) -> Tensor:
        """Each pixel's depth, `float32` `[S, T, H, W]`."""
        return self._map(BACKGROUND_DEPTH, self.depths)

    def subset(self, scenes: Tensor | slice) -> Scenes:
        """Some of the videos."""
        tensors = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "class_names"}
        return replace(self, **{name: tensor[scenes] for name, tensor in tensors.items()})

    def frames(self, every: int = 1) -> MultiTaskDataset:
        """Single frames as an ordinary split with the tasks `segmentation` and `depth`.

        The frames of a video follow one another: image n is frame `every · (n % m)` of video `n // m`, where m is the number of
        frames taken from each.

        Args:
            every: take each video's first frame, and then every so many.
        """
        check_positive("every", every)
        some = replace(
            self,
            instances=self.instances[:, ::every],
            classes=self.classes[:, ::every],
            depths=self.depths[:, ::every],
        )
        tasks = [pixel_classification("segmentation", ("background", *self.class_names)), pixel_regression("depth")]
        targets = {"segmentation": some.class_maps.flatten(0, 1), "depth": some.depth_maps.flatten(0, 1).unsqueeze(1)}
        return MultiTaskDataset(self.videos[:, ::every].flatten(0, 1), targets, tasks)

    def pairs(self, **arguments: Any) -> MultiTaskDataset:
        """Each frame with the one before it, with detection, segmentation, depth and tracking; see `pairs_of`."""
        from mtl_utils.datasets.moving_scenes.pairs import pairs_of  # which is about scenes, so that it knows this file

        return pairs_of(self, **arguments)

    def _map(self, background: float, values: Tensor) -> Tensor:
        """Spread one value for each object over its pixels."""
        table = torch.cat([torch.full_like(values[..., :1], background), values], dim=-1)
        return table.gather(2, self.instances.flatten(2).long()).view(self.instances.shape)


@dataclass(frozen=True, eq=False)
class MovingScenes:
    """Moving scenes in three splits that share no source image, and hence no video and no object."""

    name: str
    train: Scenes
    val: Scenes
    test: Scenes

    def frames(self, every: int = 1) -> Splits:
        """Single frames as a data set with the tasks `segmentation` and `depth`; see `Scenes.frames`."""
        parts = {part: getattr(self, part).frames(every) for part in ("train", "val", "test")}
        return Splits(f"{self.name}, single frames", **parts)

    def pairs(self, **arguments: Any) -> Splits:
        """Pairs of frames with detection, segmentation, depth and tracking; see `all_pairs`."""
        from mtl_utils.datasets.moving_scenes.pairs import all_pairs

        return all_pairs(self, **arguments)

    def __repr__(self) -> str:
        sizes = f"{len(self.train):,} / {len(self.val):,} / {len(self.test):,}"
        return f"{self.name}: {sizes} videos of {self.train.frame_count} frames to train / validate / test"
