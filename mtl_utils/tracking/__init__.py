"""From boxes in frames to objects in a video: `linking` finds identities, `measures` says how good they are."""

from mtl_utils.tracking.frames import TrackedFrame, tracked_frames, true_frames
from mtl_utils.tracking.linking import Linker, LinkingRules, link
from mtl_utils.tracking.measures import TrackMeasures, box_mask_agreement, measure_tracks

__all__ = [
    "Linker",
    "LinkingRules",
    "TrackMeasures",
    "TrackedFrame",
    "box_mask_agreement",
    "link",
    "measure_tracks",
    "tracked_frames",
    "true_frames",
]
