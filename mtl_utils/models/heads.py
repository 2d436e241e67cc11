"""Heads: what turns an encoder's features into one task's output."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from mtl_utils.tasks import Task


def make_head(task: Task, feature_shape: tuple[int, ...], image_shape: tuple[int, int, int]) -> nn.Module:
    """The usual head for a task: linear for one answer per image, convolutional for one per pixel.

    Args:
        task: the task; decides the size of the output.
        feature_shape: the encoder's output without the batch dimension: `(features,)` or `(channels, H', W')`.
        image_shape: channels, height and width of the images; tasks per pixel answer in this height and width.

    Raises:
        ValueError: if a task per pixel gets features that have lost their place in the image.
    """
    if task.is_per_pixel:
        if len(feature_shape) != 3:
            raise ValueError(
                f"task '{task.name}' is a {task.kind} and needs features with height and width, but the encoder gives a "
                f"vector of {feature_shape[0]}; build it without its pooling (such as small_cnn with pool=False)"
            )
        return PixelHead(feature_shape[0], task.output_size, image_shape[1:])
    if len(feature_shape) == 3:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(feature_shape[0], task.output_size))
    return nn.Linear(feature_shape[0], task.output_size)


class PixelHead(nn.Module):
    """A 3×3 convolution, ReLU, a 1×1 convolution, and bilinear enlargement to the image's size.

    Args:
        channels: channels of the features, `[N, channels, H', W']`.
        output_size: classes or values per pixel.
        image_size: height and width of the output `[N, output_size, height, width]`.
    """

    def __init__(self, channels: int, output_size: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.image_size = image_size
        self.layers = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, output_size, 1))

    def forward(self, features: Tensor) -> Tensor:
        return F.interpolate(self.layers(features), self.image_size, mode="bilinear", align_corners=False)
