"""Which true box was found by which found one, and under which number: what motmetrics accumulates, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mtl_utils.tracking.frames import TrackedFrame


class Matched(NamedTuple):
    """All frames of all videos, matched.

    Attributes:
        accumulator: a `motmetrics.MOTAccumulator`. One holds all videos, so its numbers say the video, too.
        frames: video and frame for each of the accumulator's frames.
        tracks: the true track for each of the accumulator's objects.
    """

    accumulator: Any
    frames: list[tuple[int, int]]
    tracks: list[int]


def match(
    true: Sequence[Sequence[TrackedFrame]],
    found: Sequence[Sequence[TrackedFrame]],
    *,
    overlap: float = 0.5,
    by_class: bool = False,
) -> Matched:
    """Match found boxes with true ones by motmetrics, which keeps a pair from frame to frame where it can.

    Args:
        true, found: videos of frames, equally many of both. Identities count within a video.
        overlap: a found box may match a true one if their intersection over union is at least this.
        by_class: whether their classes must be equal, too.

    Raises:
        ValueError: if videos or frames are not equally many.
    """
    import motmetrics
    from torchvision.ops import box_iou

    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    frames = []
    true_numbers: dict[tuple[int, int], int] = {}
    found_numbers: dict[tuple[int, int], int] = {}
    for video, (true_video, found_video) in enumerate(paired(true, found)):
        for time, (expected, got) in enumerate(zip(true_video, found_video, strict=True)):
            iou = box_iou(expected.boxes, got.boxes)
            apart = iou < overlap
            if by_class:
                apart |= expected.classes[:, None] != got.classes
            # motmetrics wants NaN where a pair must not match.
            distances = (1 - iou).masked_fill(apart, float("nan")).double().numpy()
            rows, columns = (
                [numbers.setdefault((video, track), len(numbers)) for track in frame.tracks.tolist()]
                for numbers, frame in ((true_numbers, expected), (found_numbers, got))
            )
            accumulator.update(rows, columns, distances)
            frames.append((video, time))
    return Matched(accumulator, frames, [track for _, track in true_numbers])


def paired(
    true: Sequence[Sequence[TrackedFrame]], found: Sequence[Sequence[TrackedFrame]]
) -> Iterator[tuple[Sequence[TrackedFrame], Sequence[TrackedFrame]]]:
    """True and found videos, one by one; an error in words if they are not equally many or long."""
    if len(true) != len(found):
        raise ValueError(f"{len(true)} true videos, but {len(found)} found ones")
    for number, (true_video, found_video) in enumerate(zip(true, found, strict=True)):
        if len(true_video) != len(found_video):
            raise ValueError(f"video {number} has {len(true_video)} true frames, but {len(found_video)} found ones")
        yield true_video, found_video
