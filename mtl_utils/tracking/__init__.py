"""From boxes in frames to objects in a video.

`linking` finds identities, `integration` brings boxes, masks, depths and identities into one picture, `measures` says how good
all that is, `frames` holds it.
"""

from mtl_utils.tracking.frames import TrackedFrame, tracked_frames, true_frames
from mtl_utils.tracking.integration import integrate
from mtl_utils.tracking.linking import Linker, LinkingRules, link
from mtl_utils.tracking.measures import TrackMeasures, box_mask_agreement, measure_tracks, panoptic_quality

__all__ = [
    "Linker",
    "LinkingRules",
    "TrackMeasures",
    "TrackedFrame",
    "box_mask_agreement",
    "integrate",
    "link",
    "measure_tracks",
    "panoptic_quality",
    "tracked_frames",
    "true_frames",
]
