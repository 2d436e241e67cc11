"""Looking into models: similarity of representations, ablation, what a step costs, how each task pulls on what is shared."""

from mtl_utils.analysis.ablation import without
from mtl_utils.analysis.conflict import WHOLE, Conflict, measure_conflict
from mtl_utils.analysis.cost import measure_cost, saved_bytes
from mtl_utils.analysis.gradient_cosine import gradient_cosine
from mtl_utils.analysis.pull import Pull, measure_pull
from mtl_utils.analysis.similarity import linear_cka, stage_features

__all__ = [
    "WHOLE",
    "Conflict",
    "Pull",
    "gradient_cosine",
    "linear_cka",
    "measure_conflict",
    "measure_cost",
    "measure_pull",
    "saved_bytes",
    "stage_features",
    "without",
]
