"""Images as they are stored, and as a network takes them: normalized, a batch at a time or once for all."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mtl_utils.datasets.on_demand import OnDemand

# Images that take at most so much memory as float32 are normalized once, when the first training begins: a quarter of a
# gigabyte holds 85,000 gray images of 28×28 pixels. Larger ones are normalized a batch at a time.
KEEP_AT_MOST = 2**28


class Normalization(NamedTuple):
    """Mean and standard deviation per channel, of pixel values from 0 to 1.

    Example:
        >>> from mtl_utils import datasets
        >>> train = datasets.multi_mnist(60, 20, 20).train.with_normalization(Normalization(mean=(0.0,), std=(1.0,)))
        >>> images, _ = train.batch(slice(0, 60))
        >>> round(images.min().item(), 3), round(images.max().item(), 3)
        (0.0, 1.0)
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


class Pixels:
    """Images of one tensor, with what it takes to normalize them. Data sets that differ in their labels only share it.

    Args:
        images: `uint8` `[N, C, H, W]`.
        normalization: mean and spread of the training images.
    """

    def __init__(self, images: Tensor, normalization: Normalization) -> None:
        self.images, self.normalization = images, normalization
        self._scales: dict[torch.device, tuple[Tensor, Tensor]] = {}
        self._kept: Tensor | None = None

    def normalized(self, indices: Tensor | slice, device: torch.device) -> Tensor:
        """The images with these indices as `float32` `[n, C, H, W]`, in channels-last order.

        That is the order in which PyTorch's convolutions on a CPU are fastest (1.3 times here).
        """
        if self._kept is not None and isinstance(indices, Tensor):  # a slice would be a window on what is kept
            return self._kept[indices].permute(0, 3, 1, 2).to(device)
        return self.normalize(self.images[indices], device)

    def keep_normalized(self) -> None:
        """Normalize all images now, if they fit `KEEP_AT_MOST` bytes. The numbers are the same to the bit."""
        if self._kept is None and isinstance(self.images, Tensor) and self.images.numel() * 4 <= KEEP_AT_MOST:
            parts = [self.normalize(part, torch.device("cpu")) for part in torch.split(self.images, 4096)]
            self._kept = torch.cat([part.permute(0, 2, 3, 1) for part in parts]).contiguous()

    def normalize(self, images: Tensor, device: torch.device) -> Tensor:
        """`uint8` images `[n, C, H, W]` as `float32`, in channels-last order."""
        pixels = images.to(device=device, dtype=torch.float32, memory_format=torch.channels_last)
        scale, shift = self._scale_and_shift(device)
        return pixels.mul_(scale).sub_(shift)

    def _scale_and_shift(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """What turns pixels from 0 to 255 into normalized ones, made once for each device: x·scale − shift."""
        if device not in self._scales:
            mean, std = (torch.tensor(values, device=device).view(-1, 1, 1) for values in self.normalization)
            self._scales[device] = (1 / (255 * std), mean / std)
        return self._scales[device]

    def __getstate__(self) -> dict[str, object]:
        """What other processes get: not the kept images, which they can make."""
        return {**self.__dict__, "_kept": None}


def measure_normalization(images: Tensor | OnDemand) -> Normalization:
    """Mean and standard deviation per channel of `uint8` images `[N, C, H, W]`, from a histogram of pixel values."""
    counts = torch.zeros(images.shape[1], 256, dtype=torch.int64)
    for start in range(0, len(images), 1024):
        counts += count_pixels(images[start : start + 1024])
    return normalization_of(counts)


def count_pixels(images: Tensor) -> Tensor:
    """How often each value from 0 to 255 stands in each channel, `int64` `[C, 256]`, of `uint8` images `[N, C, H, W]`."""
    return torch.stack([torch.bincount(images[:, each].reshape(-1), minlength=256) for each in range(images.shape[1])])


def normalization_of(counts: Tensor) -> Normalization:
    """Mean and standard deviation of each channel from its histogram, `int64` `[C, 256]`."""
    values = torch.arange(256, dtype=torch.float64) / 255
    means, stds = [], []
    for channel in counts.double():
        share = channel / channel.sum()
        mean = float((share * values).sum())
        means.append(mean)
        # A constant channel has no spread; 1/255 keeps the division harmless.
        stds.append(max(float((share * (values - mean) ** 2).sum()) ** 0.5, 1 / 255))
    return Normalization(tuple(means), tuple(stds))
