"""Many runs: comparisons of ways over seeds, sweeps of loss weights; tables that are resumed where they stopped."""

from mtl_utils.experiments.compare import compare, read_results
from mtl_utils.experiments.summary import delta_m_by_seed, difference, metrics_of, summarize
from mtl_utils.experiments.sweep import SweepPoint, sweep_weights
from mtl_utils.experiments.way import Way

__all__ = [
    "SweepPoint",
    "Way",
    "compare",
    "delta_m_by_seed",
    "difference",
    "metrics_of",
    "read_results",
    "summarize",
    "sweep_weights",
]
