"""Losses and metrics that a task knows by name; `True` has those of classes, `False` those of real values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional as F

LOSSES: dict[bool, dict[str, Callable[[Tensor, Tensor], Tensor]]] = {
    True: {"cross-entropy": F.cross_entropy},
    False: {"mse": F.mse_loss, "l1": F.l1_loss, "smooth l1": F.smooth_l1_loss},
}
# Name -> (torchmetrics class, its arguments beside the number of classes, higher is better, from 0 to 1).
METRICS: dict[bool, dict[str, tuple[str, dict[str, Any], bool, bool]]] = {
    True: {
        "accuracy": ("classification.MulticlassAccuracy", {"average": "micro"}, True, True),
        "balanced accuracy": ("classification.MulticlassAccuracy", {"average": "macro"}, True, True),
        "mean IoU": ("classification.MulticlassJaccardIndex", {}, True, True),
    },
    False: {
        "mean absolute error": ("regression.MeanAbsoluteError", {}, False, False),
        "root mean squared error": ("regression.MeanSquaredError", {"squared": False}, False, False),
    },
}
