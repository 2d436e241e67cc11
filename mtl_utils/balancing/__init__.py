"""Loss weighting and gradient aggregation behind one small interface."""

from mtl_utils.balancing.aggregation import Aggregation, pcgrad
from mtl_utils.balancing.balancer import Balancer
from mtl_utils.balancing.gradients import task_gradients
from mtl_utils.balancing.scalarization import Scalarization
from mtl_utils.balancing.uncertainty_weighting import UncertaintyWeighting
from mtl_utils.balancing.weighted_sum import WeightedSum

__all__ = [
    "Aggregation",
    "Balancer",
    "Scalarization",
    "UncertaintyWeighting",
    "WeightedSum",
    "pcgrad",
    "task_gradients",
]
