"""What became of each true box: found under its identity, found under another one, or missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from torchvision.ops import box_iou

from mtl_utils.tracking.frames import TrackedFrame

Fate = Literal["found, same identity", "found, another identity", "missed"]


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
    """One entry for every true box of all videos, in order.

    A box is found if some found box of its frame overlaps it enough. Its identity is the track under which its object was
    found first. This is simpler than IDF1, which pairs whole tracks: two objects may be found by one box here.

    Args:
        true: for each video its frames.
        found: the same videos and frames, as they were found.
        overlap: lowest intersection over union of a true box with a found one, 0 to 1.

    Raises:
        ValueError: if there are not as many videos or frames on both sides.

    Example:
        >>> from mtl_utils import datasets, tracking
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=2, size=32).train
        >>> true = [tracking.true_frames(scenes, 0)]
        >>> {each.fate for each in box_fates(true, true)}
        {'found, same identity'}
    """
    if len(true) != len(found):
        raise ValueError(f"there are {len(true)} true videos, but {len(found)} found ones")
    fates = []
    for video, (expected, got) in enumerate(zip(true, found, strict=True)):
        if len(expected) != len(got):
            raise ValueError(f"video {video} has {len(expected)} true frames, but {len(got)} found ones")
        identity: dict[int, int] = {}
        for frame, (there, seen) in enumerate(zip(expected, got, strict=True)):
            common = box_iou(there.boxes, seen.boxes)
            for row, track in enumerate(there.tracks.tolist()):
                fate: Fate = "missed"
                if len(seen) and common[row].max() >= overlap:
                    now = int(seen.tracks[common[row].argmax()])
                    fate = "found, same identity" if identity.setdefault(track, now) == now else "found, another identity"
                fates.append(BoxFate(video, frame, track, fate))
    return fates
