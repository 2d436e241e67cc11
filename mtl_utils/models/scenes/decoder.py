"""A light decoder: from the stages of an encoder to one map of features at stride 4."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class Decoder(nn.Module):
    """Coarse maps are enlarged and added to finer ones (Lin et al., "Feature pyramid networks", CVPR 2017).

    A coarse map knows *what* is there, a fine one *where*. Each stage joins by a lateral 1×1 convolution; after each sum a 3×3
    convolution with batch norm and ReLU smooths it.

    Args:
        channels: channels of the stages that take part, from the finest (stride 4) to the coarsest.
        width: channels of the result.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(number, width, 1) for number in channels)
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
            for _ in channels[:-1]
        )

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Stages `[N, C_i, H_i, W_i]`, from the finest to the coarsest, to `[N, width, H_0, W_0]`."""
        joined: Tensor = self.lateral[-1](stages[-1])
        for level in range(len(stages) - 2, -1, -1):
            fine = stages[level]
            joined = F.interpolate(joined, fine.shape[-2:], mode="nearest") + self.lateral[level](fine)
            joined = self.smooth[level](joined)
        return joined
