"""Many runs: sweeps of loss weights and comparisons of methods."""

from mtl_utils.experiments.sweep import SweepPoint, sweep_weights

__all__ = ["SweepPoint", "sweep_weights"]
