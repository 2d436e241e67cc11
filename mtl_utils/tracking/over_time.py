"""Rules that look at a whole track, past and future: one class for each track, no track of a moment, no gap.

They are for a video that is there from beginning to end, not for a camera that runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import torch

from mtl_utils._checks import check_positive
from mtl_utils.tracking.frames import TrackedFrame


def vote_classes(frames: Sequence[TrackedFrame]) -> list[TrackedFrame]:
    """Give each track one class: the one with the largest sum of scores over the video.

    Useful after linking without `by_class`, where a detector that wavers between classes does not break a track. Boxes without
    scores count 1 each. Of equal classes the lowest number wins.

    Example:
        >>> box, track = torch.tensor([[0.0, 0.0, 8.0, 8.0]]), torch.tensor([0])
        >>> frames = [TrackedFrame(box, classes=torch.tensor([number]), tracks=track) for number in (3, 5, 3)]
        >>> [frame.classes.item() for frame in vote_classes(frames)]
        [3, 3, 3]
    """
    votes: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for frame in frames:
        weights = torch.ones(len(frame)) if frame.scores is None else frame.scores
        for track, kind, weight in zip(frame.tracks.tolist(), frame.classes.tolist(), weights.tolist(), strict=True):
            votes[track][kind] += weight
    chosen = {track: min(kinds, key=lambda kind: (-kinds[kind], kind)) for track, kinds in votes.items()}
    return [
        replace(frame, classes=torch.tensor([chosen[track] for track in frame.tracks.tolist()], dtype=torch.int64))
        for frame in frames
    ]


def drop_short(frames: Sequence[TrackedFrame], least: int = 2) -> list[TrackedFrame]:
    """Leave out tracks with fewer than `least` boxes in the video: what is seen once is often nothing.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 8.0, 8.0]]).repeat(2, 1)
        >>> first = TrackedFrame(box, classes=torch.tensor([3, 3]), tracks=torch.tensor([0, 1]))
        >>> [frame.tracks.tolist() for frame in drop_short([first, first.pick(torch.tensor([0]))])]  # track 1 is seen once
        [[0], [0]]
    """
    check_positive("the least number of boxes in a track", least)
    lengths: dict[int, int] = defaultdict(int)
    for frame in frames:
        for track in frame.tracks.tolist():
            lengths[track] += 1
    return [
        frame.pick(torch.tensor([lengths[track] >= least for track in frame.tracks.tolist()], dtype=torch.bool))
        for frame in frames
    ]


def fill_gaps(frames: Sequence[TrackedFrame], longest: int = 3) -> list[TrackedFrame]:
    """Put boxes where a track has none for up to `longest` frames, on the straight line from the last box to the next.

    It finds objects that the detector overlooked, and is wrong about those that were hidden. Before masks are made: frames with
    masks are not taken.

    Raises:
        ValueError: if a frame has masks.

    Example:
        >>> box, nothing = torch.tensor([[0.0, 0.0, 8.0, 8.0]]), torch.zeros(0, dtype=torch.int64)
        >>> frame = TrackedFrame(box, classes=torch.tensor([3]), tracks=torch.tensor([0]))
        >>> later = TrackedFrame(box + 4, classes=torch.tensor([3]), tracks=torch.tensor([0]))
        >>> fill_gaps([frame, frame.pick(nothing), later])[1].boxes.tolist()
        [[2.0, 2.0, 10.0, 10.0]]
    """
    check_positive("the longest gap", longest)
    if any(frame.instances is not None for frame in frames):
        raise ValueError("fill gaps before boxes get masks: call integrate on what fill_gaps returns")
    filled = list(frames)
    last: dict[int, tuple[int, int]] = {}  # track: number of the frame and row where it was last seen
    for now, frame in enumerate(frames):
        for row, track in enumerate(frame.tracks.tolist()):
            before, old = last.get(track, (now, row))
            last[track] = (now, row)
            if 1 < now - before <= longest + 1:
                for time in range(before + 1, now):
                    share = (time - before) / (now - before)
                    filled[time] = _with_box_between(filled[time], frames[before], old, frame, row, share)
    return filled


def _with_box_between(
    into: TrackedFrame, first: TrackedFrame, old: int, second: TrackedFrame, new: int, share: float
) -> TrackedFrame:
    box = torch.lerp(first.boxes[old], second.boxes[new], share)
    scores = None
    if into.scores is not None and first.scores is not None and second.scores is not None:
        scores = torch.cat([into.scores, torch.minimum(first.scores[old], second.scores[new])[None]])
    return TrackedFrame(
        torch.cat([into.boxes, box[None]]),
        torch.cat([into.classes, first.classes[old : old + 1]]),
        torch.cat([into.tracks, first.tracks[old : old + 1]]),
        scores=scores,
    )
