"""A trained model as it leaves the course: pixels in, outputs out, with its normalization inside."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class FromPixels(nn.Module):
    """Takes `uint8` images `[N, C, H, W]` as they are decoded, normalizes them, and answers all tasks.

    For `torch.export` and ONNX: whoever uses the exported file needs to know the size of the images, and nothing else.

    Args:
        model: returns `{task: output}`; taken in evaluation mode.
        mean, std: the normalization that it was trained with, per channel (`splits.train.normalization`).

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> deployed = FromPixels(models.hard_sharing(models.lenet, pairs), *pairs.train.normalization)
        >>> deployed(pairs.test.images[:2])['left'].shape  # pixels as they are stored, `uint8`
        torch.Size([2, 10])
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, model: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("scale", (1 / (255 * torch.tensor(std))).view(-1, 1, 1))
        self.register_buffer("shift", (torch.tensor(mean) / torch.tensor(std)).view(-1, 1, 1))
        self.eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = self.model(images.float() * self.scale - self.shift)
        return dict(outputs)
