"""Enhancement of features: each task stresses what it needs of the shared features, by a weight per channel or per place."""

from __future__ import annotations

from torch import Tensor, nn


class SqueezeExcitation(nn.Module):
    """A weight from 0 to 1 for each *channel*, from the mean of all channels (Hu et al., CVPR 2018).

    x ⊙ sigmoid(W₂ ReLU(W₁ mean(x))).

    Args:
        channels: of the features `[N, C, H, W]`.
        reduction: how many times narrower the layer in between is.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        narrow = max(channels // reduction, 1)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, narrow, 1), nn.ReLU(), nn.Conv2d(narrow, channels, 1), nn.Sigmoid()
        )

    def forward(self, features: Tensor) -> Tensor:
        weights: Tensor = self.weigh(features)
        return features * weights


class MaskAttention(nn.Module):
    """A weight from 0 to 1 for each channel at each *place*: MTAN's soft mask (Liu et al., CVPR 2019), at one stage only.

    x ⊙ sigmoid(BN(conv1×1(ReLU(BN(conv1×1(x)))))).

    Args:
        channels: of the features `[N, C, H, W]`.
        reduction: how many times narrower the layer in between is.
    """

    def __init__(self, channels: int, reduction: int = 2) -> None:
        super().__init__()
        narrow = max(channels // reduction, 1)
        self.weigh = nn.Sequential(
            nn.Conv2d(channels, narrow, 1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU(),
            nn.Conv2d(narrow, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        weights: Tensor = self.weigh(features)
        return features * weights


ENHANCEMENTS: dict[str, type[nn.Module]] = {"squeeze": SqueezeExcitation, "mask": MaskAttention}
