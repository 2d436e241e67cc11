"""How good tracks are: IDF1, MOTA, identity switches; and how well boxes agree with masks.

The numbers come from motmetrics 1.4.0, which computes those of the MOTChallenge. One part of it fails on NumPy 2
(`distances.iou_matrix`), so distances are computed here, with torchvision's `box_iou`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from mtl_utils.datasets.moving_scenes import boxes_of
from mtl_utils.tracking.frames import TrackedFrame
from mtl_utils.tracking.integration import paired_iou
from mtl_utils.tracking.matching import match, paired


class TrackMeasures(NamedTuple):
    """How well found tracks match true ones, over all frames of all videos.

    Attributes:
        idf1: 0 to 1, higher is better: share of boxes that carry the right identity, if each true track is paired with the one
            found track that fits it best (Ristani et al., "Performance measures and a data set for multi-target, multi-camera
            tracking", ECCV workshops 2016).
        mota: at most 1, higher is better: 1 − (misses + false positives + switches) / true boxes (Bernardin & Stiefelhagen,
            "Evaluating multiple object tracking performance", 2008).
        switches: how often a true object is found under another identity than the time before.
        misses: true boxes that are not found.
        false_positives: found boxes that match no true one.
        boxes: true boxes.
    """

    idf1: float
    mota: float
    switches: int
    misses: int
    false_positives: int
    boxes: int


def measure_tracks(
    true: Sequence[Sequence[TrackedFrame]],
    found: Sequence[Sequence[TrackedFrame]],
    *,
    overlap: float = 0.5,
    by_class: bool = False,
) -> TrackMeasures:
    """Compare found tracks with true ones.

    Args:
        true, found: videos of frames, equally many of both. Identities count within a video.
        overlap: a found box may match a true one if their intersection over union is at least this.
        by_class: whether their classes must be equal, too. The field's measures look at boxes and identities alone.

    Raises:
        ValueError: if videos or frames are not equally many.

    Example:
        >>> from mtl_utils import datasets, tracking
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=3, size=32).train
        >>> true = [tracking.true_frames(scenes, 0)]
        >>> measured = measure_tracks(true, true)
        >>> measured.idf1, measured.mota, measured.switches
        (1.0, 1.0, 0)
    """
    import motmetrics
    import numpy as np

    accumulator = match(true, found, overlap=overlap, by_class=by_class).accumulator
    wanted = ["idf1", "mota", "num_switches", "num_misses", "num_false_positives", "num_objects"]
    row = motmetrics.metrics.create().compute(accumulator, metrics=wanted, return_dataframe=False)
    idf1, mota = (float(np.float64(row[name])) for name in wanted[:2])
    return TrackMeasures(idf1, mota, *(int(row[name]) for name in wanted[2:]))


def box_mask_agreement(videos: Sequence[Sequence[TrackedFrame]]) -> float:
    """Mean intersection over union of each box and the box around its mask, 0 to 1; an object without a pixel counts as 0.

    Raises:
        ValueError: if a frame has no masks, or there is no object at all.

    Example:
        >>> from mtl_utils import datasets, tracking
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=3, size=32).train
        >>> box_mask_agreement([tracking.true_frames(scenes, 0)])
        1.0
    """
    frames = [frame for video in videos for frame in video]
    shares = [paired_iou(frame.boxes, boxes_of(frame.masks)) for frame in frames]
    every = torch.cat(shares) if shares else torch.zeros(0)
    if not len(every):
        raise ValueError("no frame has an object: boxes and masks cannot agree or disagree")
    return float(every.mean())


def panoptic_quality(
    true: Sequence[Sequence[TrackedFrame]], found: Sequence[Sequence[TrackedFrame]], class_count: int = 10
) -> float:
    """How well masks, classes and single objects are found together, 0 to 1.

    Panoptic quality (Kirillov et al., "Panoptic segmentation", CVPR 2019), as torchmetrics computes it, over the object classes
    that occur. Background is one kind of "stuff", and is left out of the mean. Each frame counts alone, identities do not.

    Raises:
        ValueError: if videos or frames are not equally many, or a frame has no masks.

    Example:
        >>> from mtl_utils import datasets, tracking
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=3, size=32).train
        >>> true = [tracking.true_frames(scenes, 0)]
        >>> round(panoptic_quality(true, true), 3)
        1.0
    """
    from torchmetrics.detection import PanopticQuality

    metric = PanopticQuality(things=set(range(1, class_count + 1)), stuffs={0}, return_per_class=True)
    occurring: set[int] = set()
    for true_video, found_video in paired(true, found):
        for expected, got in zip(true_video, found_video, strict=True):
            metric.update(*(torch.stack(frame.class_and_instance, dim=-1)[None] for frame in (got, expected)))
            occurring.update(expected.classes.tolist(), got.classes.tolist())
    if not occurring:
        raise ValueError("no frame has an object: there is no panoptic quality of background alone")
    return float(metric.compute().flatten()[sorted(occurring)].mean())
