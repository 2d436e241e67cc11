"""From boxes in frames to objects in a video.

`linking` finds identities, `over_time` mends whole tracks, `integration` brings boxes, masks, depths and identities into one
picture, `frames` holds it. `matching` pairs it with the truth, `measures` says how good it is, `fates` what became of each true
box, `naming` gives found tracks the numbers of true ones.
"""

from mtl_utils.datasets.moving_scenes.boxes import Detections, decode
from mtl_utils.tracking.fates import BoxFate, box_fates
from mtl_utils.tracking.frames import TrackedFrame, tracked_frames, true_frames
from mtl_utils.tracking.integration import integrate
from mtl_utils.tracking.linking import Linker, LinkingRules, link
from mtl_utils.tracking.measures import TrackMeasures, box_mask_agreement, measure_tracks, panoptic_quality
from mtl_utils.tracking.naming import name_like
from mtl_utils.tracking.over_time import drop_short, fill_gaps, vote_classes

__all__ = [
    "BoxFate",
    "Detections",
    "Linker",
    "LinkingRules",
    "TrackMeasures",
    "TrackedFrame",
    "box_fates",
    "box_mask_agreement",
    "decode",
    "drop_short",
    "fill_gaps",
    "integrate",
    "link",
    "measure_tracks",
    "name_like",
    "panoptic_quality",
    "tracked_frames",
    "true_frames",
    "vote_classes",
]
