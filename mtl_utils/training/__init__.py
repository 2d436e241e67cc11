"""The one training loop. `train` is a generator that yields after every update; `fit` drives it to the end."""

from mtl_utils.training.choosing import lowest_loss, mean_improvement, metric_of
from mtl_utils.training.fit import fit
from mtl_utils.training.frozen import keep_features
from mtl_utils.training.history import History, Step
from mtl_utils.training.loop import train
from mtl_utils.training.optimizer import adam
from mtl_utils.training.soundness import NonFiniteLossError

__all__ = [
    "History",
    "NonFiniteLossError",
    "Step",
    "adam",
    "fit",
    "keep_features",
    "lowest_loss",
    "mean_improvement",
    "metric_of",
    "train",
]
