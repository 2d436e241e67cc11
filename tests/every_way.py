"""Every way of sharing, in one list: what must hold for each of them is tested on all that stand here."""

from mtl_utils import models

# A new way gets a line here. Each makes a model of an encoder factory, the data and a seed.
WAYS_OF_SHARING = {
    "hard sharing": models.hard_sharing,
    "twin columns": models.twin_columns,
    "cross-stitch": models.cross_stitch,
    "NDDR": models.nddr,
    "MTAN": models.mtan,
    "MMoE": models.mixture_of_experts,
    "CGC": models.customized_gate_control,
    "PLE": models.progressive_layered_extraction,
}
