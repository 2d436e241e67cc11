"""Plain numbers in, plain numbers out: comparisons with a baseline, intervals over seeds, the best trade-offs."""

from mtl_utils.measures.delta_m import delta_m
from mtl_utils.measures.intervals import Interval, mean_interval
from mtl_utils.measures.pareto import hypervolume, pareto_front

__all__ = ["Interval", "delta_m", "hypervolume", "mean_interval", "pareto_front"]
