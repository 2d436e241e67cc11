"""Linking: which box in this frame is which object of the frames before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mtl_utils._checks import is_whole
from mtl_utils.datasets.moving_scenes.boxes import Detections, at_cells

UNTRACKED = -1


@dataclass(frozen=True)
class LinkingRules:
    """The rules of linking. Each one can be switched off, so that its worth can be measured.

    Attributes:
        by_displacement: a box is moved back by its predicted displacement before distances are taken (CenterTrack: Zhou et al.,
            "Tracking objects as points", ECCV 2020).
        by_velocity: instead, a track is moved on by what it moved between its last two boxes. It needs no prediction: the dull
            rival of `by_displacement`. Not both.
        by_class: only boxes of the track's class continue it.
        memory: for so many frames a track waits for an object that is not found. 0: it ends at once.
        coasting: a track that waits is moved on by its last displacement in each frame. Off: it waits where it was.
        distance: in pixels; no box farther than this from where a track should be continues it.
        birth: lowest score of a box that may begin a track. A lower one may continue a track, and is untracked otherwise.

    Examples:
        >>> LinkingRules(memory=0).memory  # a track ends when its object is not found
        0
    """

    by_displacement: bool = True
    by_velocity: bool = False
    by_class: bool = True
    memory: int = 3
    coasting: bool = True
    distance: float = 12.0
    birth: float = 0.0

    def __post_init__(self) -> None:
        if self.by_displacement and self.by_velocity:
            raise ValueError("by_displacement and by_velocity both predict the motion: switch one of them off")
        if not is_whole(self.memory) or self.memory < 0:
            raise ValueError(f"memory must be a whole number of frames, 0 or more, not {self.memory!r}")
        if not self.distance > 0:
            raise ValueError(f"distance must be above zero (pixels), not {self.distance!r}")


class Linker:
    """Links the boxes of one video, frame after frame.

    It keeps, for each track that is still alive, where it should be in the frame before the next one.

    Example:
        >>> box, cell = torch.tensor([[0.0, 0.0, 8.0, 8.0]]), torch.tensor([[1, 1]])
        >>> found = Detections(box, scores=torch.ones(1), classes=torch.tensor([3]), cells=cell)
        >>> linker = Linker(LinkingRules(by_displacement=False))
        >>> [linker.step(found).tolist(), linker.step(found).tolist()]  # the same object in two frames
        [[0], [0]]
    """

    def __init__(self, rules: LinkingRules | None = None) -> None:
        from scipy.optimize import linear_sum_assignment

        self._assign = linear_sum_assignment
        self.rules = rules or LinkingRules()
        self.tracks_so_far = 0
        self._tracks = np.zeros(0, dtype=np.int64)
        self._classes = np.zeros(0, dtype=np.int64)
        self._waiting = np.zeros(0, dtype=np.int64)  # frames since it was last found
        self._places = np.zeros((0, 2), dtype=np.float32)
        self._motion = np.zeros((0, 2), dtype=np.float32)

    def step(self, detections: Detections, displacements: Tensor | None = None) -> Tensor:
        """The track of each box in the next frame, `int64` `[M]`: 0, 1, … in order of birth; -1 for a box without a track.

        Tracks and boxes are paired so that the sum of distances is smallest, where a pair left apart costs as much as the
        largest distance that is allowed (the Hungarian method, as SciPy computes it).

        Args:
            detections: boxes of the frame.
            displacements: `[M, 2]`, how far the center of each box has moved since the frame before, x and y in pixels. The
                first frame's are not used.

        Raises:
            ValueError: if displacements are needed and missing, or are not one for each box.
        """
        centers, classes, scores = _arrays(detections)
        return torch.from_numpy(self._advance(centers, classes, scores, self._moved(centers, displacements)))

    def _advance(
        self,
        centers: NDArray[np.float32],
        classes: NDArray[np.int64],
        scores: NDArray[np.float32],
        moved: NDArray[np.float32],
    ) -> NDArray[np.int64]:
        """`step` on arrays: the small ones of a frame are handled faster by NumPy than by PyTorch."""
        rules = self.rules
        result = np.full(len(centers), UNTRACKED, dtype=np.int64)
        continued = np.zeros(len(self._tracks), dtype=bool)
        if len(centers) and len(self._tracks):
            expected = self._places + self._motion if rules.by_velocity else self._places
            before = centers - moved if rules.by_displacement else centers
            gap = expected[:, None] - before[None]
            cost = np.sqrt((gap * gap).sum(-1))
            allowed = cost <= rules.distance
            if rules.by_class:
                allowed &= self._classes[:, None] == classes
            cost[~allowed] = rules.distance
            rows, columns = self._assign(cost)
            paired = allowed[rows, columns]
            rows, columns = rows[paired], columns[paired]
            result[columns] = self._tracks[rows]
            continued[rows] = True
            # Tracks that wait were moved on, so that the last two places are always one frame apart.
            if not rules.by_displacement:
                moved[columns] = (centers[columns] - self._last_places(rows)) / (self._waiting[rows, None] + 1)
        born = np.flatnonzero((result == UNTRACKED) & (scores >= rules.birth))
        result[born] = self.tracks_so_far + np.arange(len(born))
        self.tracks_so_far += len(born)
        self._remember(result, centers, classes, moved, continued)
        return result

    def _moved(self, centers: NDArray[np.float32], displacements: Tensor | None) -> NDArray[np.float32]:
        if not self.rules.by_displacement:
            return np.zeros_like(centers)
        if displacements is None:
            raise ValueError("linking by displacement needs displacements=; without a prediction, say by_displacement=False")
        if displacements.shape != centers.shape:
            raise ValueError(f"{len(centers)} boxes need displacements [{len(centers)}, 2], not {tuple(displacements.shape)}")
        moved: NDArray[np.float32] = displacements.detach().cpu().float().numpy()
        return np.where(np.isnan(moved), np.float32(0), moved)  # true displacements are NaN in a first frame

    def _last_places(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Where tracks were last found: what they were moved on by while they waited is taken back."""
        if not self.rules.coasting:
            return self._places[rows]
        return self._places[rows] - self._waiting[rows, None].astype(np.float32) * self._motion[rows]

    def _remember(
        self,
        result: NDArray[np.int64],
        centers: NDArray[np.float32],
        classes: NDArray[np.int64],
        moved: NDArray[np.float32],
        continued: NDArray[np.bool_],
    ) -> None:
        found = result != UNTRACKED
        waits = ~continued & (self._waiting < self.rules.memory)
        never = np.zeros(int(found.sum()), dtype=np.int64)
        alive: list[NDArray[Any]] = [result[found], classes[found], never, centers[found], moved[found]]
        if waits.any():
            places, motion = self._places[waits], self._motion[waits]
            if self.rules.coasting:
                places = places + motion
            others: list[NDArray[Any]] = [self._tracks[waits], self._classes[waits], self._waiting[waits] + 1, places, motion]
            alive = [np.concatenate(pair) for pair in zip(alive, others, strict=True)]
        self._tracks, self._classes, self._waiting, self._places, self._motion = alive


def link(
    video_detections: Sequence[Detections],
    displacements: Tensor | Sequence[Tensor] | None = None,
    *,
    by_displacement: bool = True,
    by_velocity: bool = False,
    by_class: bool = True,
    memory: int = 3,
    coasting: bool = True,
    distance: float = 12.0,
    birth: float = 0.0,
) -> list[Tensor]:
    """The track of each box in every frame of one video: `LinkingRules` has the rules, `Linker.step` says how pairs are made.

    Args:
        video_detections: T `Detections`.
        displacements: maps `[T, 2, gh, gw]`, read at the boxes' cells, or T tensors `[M, 2]`. Not needed without
            `by_displacement`.
        by_displacement, by_velocity, by_class, memory, coasting, distance, birth: the rules.

    Returns:
        T tensors `int64` `[M]`: 0, 1, … in order of birth; -1 for a box without a track.

    Example:
        >>> box, cell = torch.tensor([[0.0, 0.0, 8.0, 8.0]]), torch.tensor([[1, 1]])
        >>> found = Detections(box, scores=torch.ones(1), classes=torch.tensor([3]), cells=cell)
        >>> link([found, found], by_displacement=False)  # the same object in two frames
        [tensor([0]), tensor([0])]
    """
    linker = Linker(LinkingRules(by_displacement, by_velocity, by_class, memory, coasting, distance, birth))
    moved: Tensor | None = None
    if isinstance(displacements, Tensor) and by_displacement:
        displacements = at_cells(displacements, video_detections)
    if displacements is not None and by_displacement:
        if len(displacements) != len(video_detections):
            raise ValueError(f"{len(video_detections)} frames of detections, but {len(displacements)} of displacements")
        for time, (found, of_frame) in enumerate(zip(video_detections, displacements, strict=True)):
            if of_frame.shape != (len(found.boxes), 2):
                raise ValueError(
                    f"frame {time}: {len(found.boxes)} boxes need displacements [{len(found.boxes)}, 2], "
                    f"not {tuple(of_frame.shape)}"
                )
        moved = torch.cat(list(displacements)) if len(displacements) else torch.zeros(0, 2)
    if not video_detections:
        return []
    # The whole video at once becomes arrays: that costs as much as one frame would.
    together = Detections(*(torch.cat(parts) for parts in zip(*video_detections, strict=True)))
    centers, classes, scores = _arrays(together)
    movement = linker._moved(centers, moved)
    tracks, start = [], 0
    for found in video_detections:
        now = slice(start, start + len(found.boxes))
        # A frame's motion is changed in place where it is observed, so that frames must not share memory: slices do not.
        tracks.append(torch.from_numpy(linker._advance(centers[now], classes[now], scores[now], movement[now])))
        start = now.stop
    return tracks


def _arrays(detections: Detections) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Centers, classes and scores."""
    return detections.centers.cpu().numpy(), detections.classes.cpu().numpy(), detections.scores.cpu().numpy()
