"""Loss weighting and gradient aggregation behind one small interface."""

from mtl_utils.balancing import two_tasks
from mtl_utils.balancing.aggregation import Aggregation
from mtl_utils.balancing.aggregators import (
    aligned_mtl,
    cagrad,
    conflict_free,
    fairgrad,
    graddrop,
    gradvac,
    imtl_g,
    mgda,
    nash_mtl,
    pcgrad,
    upgrad,
)
from mtl_utils.balancing.balancer import Balancer
from mtl_utils.balancing.famo import FAMO
from mtl_utils.balancing.gradients import feature_gradients, task_gradients
from mtl_utils.balancing.gradnorm import GradNorm
from mtl_utils.balancing.preference_sum import PreferenceSum
from mtl_utils.balancing.scalarization import IMTLL, DynamicWeightAverage, GeometricMean, RandomWeighting, Scalarization
from mtl_utils.balancing.smooth_tchebycheff import SmoothTchebycheff
from mtl_utils.balancing.uncertainty_weighting import UncertaintyWeighting
from mtl_utils.balancing.weighted_sum import WeightedSum

__all__ = [
    "FAMO",
    "IMTLL",
    "Aggregation",
    "Balancer",
    "DynamicWeightAverage",
    "GeometricMean",
    "GradNorm",
    "PreferenceSum",
    "RandomWeighting",
    "Scalarization",
    "SmoothTchebycheff",
    "UncertaintyWeighting",
    "WeightedSum",
    "aligned_mtl",
    "cagrad",
    "conflict_free",
    "fairgrad",
    "feature_gradients",
    "graddrop",
    "gradvac",
    "imtl_g",
    "mgda",
    "nash_mtl",
    "pcgrad",
    "task_gradients",
    "two_tasks",
    "upgrad",
]
