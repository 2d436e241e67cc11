"""Giving found tracks the numbers of the true ones that they fit best, so that a picture gives both the same color."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from mtl_utils.tracking.frames import TrackedFrame


def name_like(found: Sequence[TrackedFrame], true: Sequence[TrackedFrame], *, overlap: float = 0.5) -> list[TrackedFrame]:
    """The found frames of one video with other track numbers: those of the true tracks, paired one to one as IDF1 pairs them.

    A found track is paired with a true one so that as many boxes as possible overlap, in all pairs together. Found tracks that
    get no partner have numbers that no true track has. No measure changes: identities only get other names.

    Args:
        found, true: T frames each.
        overlap: boxes count as one if their intersection over union is at least this.

    Raises:
        ValueError: if frames are not equally many.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 8.0, 8.0]])
        >>> true = [TrackedFrame(box, classes=torch.tensor([3]), tracks=torch.tensor([0]))]
        >>> found = [TrackedFrame(box, classes=torch.tensor([3]), tracks=torch.tensor([7]))]
        >>> name_like(found, true)[0].tracks.tolist()
        [0]
    """
    from scipy.optimize import linear_sum_assignment
    from torchvision.ops import box_iou

    if len(found) != len(true):
        raise ValueError(f"{len(found)} found frames, but {len(true)} true ones")
    found_tracks, true_tracks = _tracks(found), _tracks(true)
    together = torch.zeros(len(found_tracks), len(true_tracks))
    for got, expected in zip(found, true, strict=True):
        rows = torch.searchsorted(found_tracks, got.tracks)
        columns = torch.searchsorted(true_tracks, expected.tracks)
        together[rows[:, None], columns] += (box_iou(got.boxes, expected.boxes) >= overlap).float()
    first_free = int(true_tracks.max()) + 1 if len(true_tracks) else 0
    names = torch.full((len(found_tracks),), -1)
    for row, column in zip(*linear_sum_assignment(together.numpy(), maximize=True), strict=True):
        if together[row, column] > 0:
            names[row] = true_tracks[column]
    alone = names < 0
    names[alone] = first_free + torch.arange(int(alone.sum()))
    return [replace(got, tracks=names[torch.searchsorted(found_tracks, got.tracks)]) for got in found]


def _tracks(frames: Sequence[TrackedFrame]) -> torch.Tensor:
    """The numbers of all tracks, sorted."""
    return torch.tensor(sorted({track for frame in frames for track in frame.tracks.tolist()}), dtype=torch.int64)
