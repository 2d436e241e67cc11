"""A small convolutional network of 32, 64 and 128 channels."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from mtl_utils.models.stages import check_image_shape


def small_cnn(
    image_shape: tuple[int, int, int] = (1, 28, 28), *, channels: tuple[int, ...] = (32, 64, 128), pool: bool = True
) -> nn.Sequential:
    """Stages of 3×3 convolution, batch norm, ReLU and 2×2 max-pooling, and a last one that averages over the image.

    Args:
        image_shape: channels, height and width of the images; each stage halves height and width.
        channels: channels after each stage.
        pool: whether to average over the image at the end, to `[N, channels[-1]]`; without it (for tasks per pixel) the
            encoder gives `[N, channels[-1], H', W']`.
    """
    colours, _, _ = check_image_shape(image_shape, at_least=2 ** len(channels), encoder="small_cnn")
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, after) in enumerate(zip((colours, *channels), channels, strict=False), start=1):
        stages[f"conv{number}"] = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)
        )
    if pool:
        stages["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(stages)
