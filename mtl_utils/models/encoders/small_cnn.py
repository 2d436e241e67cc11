"""A small convolutional network of 32, 64 and 128 channels."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from mtl_utils.models.encoders.stages import check_image_shape, check_sizes


def small_cnn(
    image_shape: tuple[int, int, int] = (1, 28, 28), *, channels: tuple[int, ...] = (32, 64, 128), pool: int = 3
) -> nn.Sequential:
    """Stages of 3×3 convolution, batch norm, 2×2 max-pooling and ReLU (see `lenet`), and a last one that averages.

    Args:
        image_shape: channels, height and width of the images; each stage halves height and width.
        channels: channels after each stage.
        pool: the features are averaged over a grid of `pool`×`pool` cells at the end and come as a vector,
            `[N, channels[-1]·pool²]`. With 1 they no longer tell *where* something is; with 0 there is no averaging, and the
            encoder gives `[N, channels[-1], H', W']`, for tasks per pixel.

    Examples:
        >>> import torch
        >>> tuple(small_cnn()(torch.zeros(2, 1, 28, 28)).shape)
        (2, 1152)
    """
    if not channels:
        raise ValueError("small_cnn needs at least one stage: give its channels")
    for number in channels:
        check_sizes("small_cnn", channels=number)
    if pool != 0:
        check_sizes("small_cnn", pool=pool)
    colors, _, _ = check_image_shape(image_shape, at_least=2 ** len(channels), encoder="small_cnn")
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, after) in enumerate(zip((colors, *channels), channels, strict=False), start=1):
        stages[f"conv{number}"] = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.MaxPool2d(2), nn.ReLU()
        )
    if pool:
        stages["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(pool), nn.Flatten())
    return nn.Sequential(stages)
