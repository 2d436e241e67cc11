"""The one training loop. `train` is a generator that yields after every update; `fit` drives it to the end."""

from mtl_utils.training.batch_stream import Data
from mtl_utils.training.fitting import fit
from mtl_utils.training.loop import train
from mtl_utils.training.optimizer import adam
from mtl_utils.training.update import NonFiniteLossError

__all__ = ["Data", "NonFiniteLossError", "adam", "fit", "train"]
