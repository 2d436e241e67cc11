"""Heads: what turns an encoder's features into one task's output; and what nearly every model is built from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtl_utils.models.encoders.stages import EncoderFactory, build_encoder, stage_shapes
from mtl_utils.tasks import Task


def make_head(task: Task, feature_shape: tuple[int, ...], image_shape: tuple[int, int, int]) -> nn.Module:
    """The usual head for a task: linear for one answer per image, convolutional for a map of answers.

    Args:
        task: the task; decides the size of the output.
        feature_shape: the encoder's output without the batch dimension: `(features,)` or `(channels, H', W')`.
        image_shape: channels, height and width of the images; decides the size of a map of answers.

    Raises:
        ValueError: if a task with a map of answers gets features that have lost their place in the image.

    Example:
        >>> from mtl_utils.tasks import classification
        >>> make_head(classification('digit', 10), feature_shape=(84,), image_shape=(1, 28, 28))
        Linear(in_features=84, out_features=10, bias=True)
    """
    if task.stride is not None:
        if len(feature_shape) != 3:
            raise ValueError(
                f"task '{task.name}' is a {task.kind} and needs features with height and width, but the encoder gives a "
                f"vector of {feature_shape[0]}; build it without its pooling (such as small_cnn with pool=False)"
            )
        height, width = task.grid(image_shape[1:])
        return PixelHead(feature_shape[0], task.output_size, (height, width), start=task.initial_output)
    if len(feature_shape) == 3:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(feature_shape[0], task.output_size))
    return nn.Linear(feature_shape[0], task.output_size)


def build_encoder_and_heads(
    encoder: EncoderFactory, image_shape: tuple[int, int, int], tasks: Sequence[Task]
) -> tuple[nn.Sequential, dict[str, nn.Module]]:
    """An encoder, and a head for each task; initial weights come from the global generator (see `randomness.seeded`)."""
    built = build_encoder(encoder, image_shape)
    features = stage_shapes(built, image_shape)[-1]
    return built, {task.name: make_head(task, features, image_shape) for task in tasks}


class PixelHead(nn.Module):
    """A 3×3 convolution, ReLU, a 1×1 convolution, and bilinear enlargement to the image's size.

    Args:
        channels: channels of the features, `[N, channels, H', W']`.
        output_size: classes or values per pixel.
        image_size: height and width of the output `[N, output_size, height, width]`.
        start: what it says before it has learned, one number per output; by chance if empty.

    Example:
        >>> import torch
        >>> head = PixelHead(channels=16, output_size=3, image_size=(32, 48))
        >>> tuple(head(torch.zeros(2, 16, 8, 12)).shape)
        (2, 3, 32, 48)
    """

    def __init__(self, channels: int, output_size: int, image_size: tuple[int, int], *, start: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.image_size = image_size
        last = nn.Conv2d(channels, output_size, 1)
        if start:
            with torch.no_grad():
                last.bias.copy_(torch.tensor(start))  # type: ignore[union-attr]
        self.layers = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), last)

    def forward(self, features: Tensor) -> Tensor:
        return F.interpolate(self.layers(features), self.image_size, mode="bilinear", align_corners=False)
