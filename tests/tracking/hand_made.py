"""Detections and frames made by hand, and what a detector without fault would say."""

from collections.abc import Sequence

import torch

from mtl_utils.datasets.moving_scenes.boxes import Detections
from mtl_utils.tracking import TrackedFrame


def found(*objects: tuple[float, float, int] | tuple[float, float, int, float], side: float = 8.0) -> Detections:
    """Detections from (x, y, class) or (x, y, class, score) of each square box's middle."""
    centers = torch.tensor([entry[:2] for entry in objects], dtype=torch.float32).view(-1, 2)
    return Detections(
        torch.cat([centers - side / 2, centers + side / 2], dim=1),
        torch.tensor([entry[3] if len(entry) == 4 else 0.9 for entry in objects], dtype=torch.float32),
        torch.tensor([entry[2] for entry in objects], dtype=torch.int64),
        (centers / 4).flip(1).long(),
    )


def moves(*pairs: tuple[float, float]) -> torch.Tensor:
    """Displacements `[M, 2]`."""
    return torch.tensor(pairs, dtype=torch.float32).view(-1, 2)


def frame(boxes: Sequence[Sequence[float]], tracks: Sequence[int], classes: Sequence[int] | None = None) -> TrackedFrame:
    """A frame of boxes and tracks, class 0 unless said otherwise."""
    return TrackedFrame(
        torch.tensor(boxes, dtype=torch.float32).view(-1, 4),
        torch.tensor(classes if classes is not None else [0] * len(tracks), dtype=torch.int64),
        torch.tensor(tracks, dtype=torch.int64),
    )


def perfect(frames: Sequence[TrackedFrame]) -> list[Detections]:
    """What a detector without fault says of these frames."""
    cells = [(each.centers / 4).flip(1).long() for each in frames]
    return [Detections(each.boxes, torch.ones(len(each)), each.classes, at) for each, at in zip(frames, cells, strict=True)]
