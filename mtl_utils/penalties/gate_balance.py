"""A penalty against the collapse of a mixture of experts onto one of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mtl_utils.device import device_of
from mtl_utils.models.experts.mixture_of_experts import MixtureOfExperts
from mtl_utils.penalties.base import Penalty


class GateBalance(Penalty):
    """λ·(E·Σ_e m_e² − 1), where m_e is the mean weight of expert e over images and tasks, and E the number of experts.

    0 if all experts are used alike *on average*, λ·(E − 1) if one does everything; a single gate, or a single image, may still
    choose as it likes. It is the squared coefficient of variation of Shazeer et al., "Outrageously large neural networks" (ICLR
    2017). Deviation: measured on a fixed sample of images instead of the batch, and over all tasks' gates together.

    Args:
        strength: λ, zero or more; may be changed while training runs.
        images: a sample of normalized images `[N, C, H, W]`, such as `data.train.batch(slice(0, 256))[0]`.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> model = models.mixture_of_experts(models.lenet, pairs, experts=3)
        >>> penalty = GateBalance(0.1, pairs.train.batch(slice(0, 8))[0])
        >>> abs(round(penalty(model).item(), 3))  # gates start even
        0.0
    """

    def __init__(self, strength: float, images: Tensor) -> None:
        super().__init__(strength)
        self.images = images

    def __call__(self, model: nn.Module) -> Tensor:
        if not isinstance(model, MixtureOfExperts):
            raise ValueError(f"gates can be balanced in a mixture of experts only, not in a {type(model).__name__}")
        images = self.images.to(device_of(model))
        mean = torch.stack(list(model.gate_weights(images).values())).mean((0, 1))
        return self.strength * (len(mean) * mean.square().sum() - 1)
