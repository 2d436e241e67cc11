"""What became of each true box: found under its identity, found under another one, or missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from mtl_utils.tracking.frames import TrackedFrame
from mtl_utils.tracking.matching import match

Fate = Literal["found, same identity", "found, another identity", "missed"]
_FATES: dict[str, Fate] = {"MATCH": "found, same identity", "SWITCH": "found, another identity", "MISS": "missed"}


class BoxFate(NamedTuple):
    """What became of one true box.

    Attributes:
        video: number of the video.
        frame: number of the frame in its video.
        track: the object's true track.
        fate: what became of it.
    """

    video: int
    frame: int
    track: int
    fate: Fate


def box_fates(
    true: Sequence[Sequence[TrackedFrame]], found: Sequence[Sequence[TrackedFrame]], *, overlap: float = 0.5
) -> list[BoxFate]:
    """One entry for every true box of all videos, frame by frame, as motmetrics matches them.

    A box has another identity if its object was found under another number the time before: these are the switches of
    `measure_tracks`, one for each change.

    Args:
        true: for each video its frames.
        found: the same videos and frames, as they were found.
        overlap: lowest intersection over union of a true box with a found one, 0 to 1.

    Raises:
        ValueError: if there are not as many videos or frames on both sides.

    Example:
        >>> from mtl_utils import datasets, tracking
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=3, size=32).train
        >>> true = [tracking.true_frames(scenes, 0)]
        >>> {each.fate for each in box_fates(true, true)}
        {'found, same identity'}
    """
    matched = match(true, found, overlap=overlap)
    if not matched.frames:
        return []
    events = matched.accumulator.mot_events
    fates = []
    for number, kind, track in zip(events.index.get_level_values("FrameId"), events["Type"], events["OId"], strict=True):
        if kind in _FATES:
            video, frame = matched.frames[number]
            fates.append(BoxFate(video, frame, matched.tracks[int(track)], _FATES[kind]))
    return fates
