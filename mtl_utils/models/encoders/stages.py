"""An encoder is an `nn.Sequential` of *stages*; the ways of sharing look between them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from mtl_utils._checks import check_positive, is_whole
from mtl_utils.device import device_of
from mtl_utils.models.forward import evaluation_mode

# Makes an encoder for images of a shape (channels, height, width): `lenet`, `small_cnn`, `resnet18` or one's own.
EncoderFactory = Callable[[tuple[int, int, int]], nn.Sequential]


def build_encoder(encoder: EncoderFactory, image_shape: tuple[int, int, int]) -> nn.Sequential:
    """An encoder from its factory.

    Raises:
        ValueError: in words, if an encoder came in place of its factory, or something else than stages out of it.
    """
    if isinstance(encoder, nn.Module):
        raise ValueError(
            "encoder= takes a function that makes an encoder, such as lenet, not one that is built already; for other sizes "
            "give functools.partial(lenet, features=20)"
        )
    if not callable(encoder):
        raise ValueError(f"encoder= takes a function that makes an encoder, such as models.lenet, not {encoder!r}")
    built = encoder(image_shape)
    if not isinstance(built, nn.Sequential):
        raise ValueError(f"an encoder must be an nn.Sequential of stages, not {type(built).__name__}")
    return built


def stage_shapes(encoder: nn.Sequential, image_shape: tuple[int, int, int]) -> list[tuple[int, ...]]:
    """Shape of the features after each stage, without the batch dimension, for images of `image_shape`.

    Found by sending one black image through, in evaluation mode, so that batch statistics stay as they are.

    Raises:
        ValueError: if a stage cannot take what the stage before it gives; names both.

    Example:
        >>> from mtl_utils import models
        >>> stage_shapes(models.lenet((1, 28, 28)), (1, 28, 28))
        [(10, 12, 12), (20, 4, 4), (50,)]
    """
    shapes: list[tuple[int, ...]] = []
    features = torch.zeros(1, *image_shape, device=device_of(encoder))
    with evaluation_mode(encoder), torch.no_grad():
        for name, stage in encoder.named_children():
            try:
                features = stage(features)
            except RuntimeError as error:
                raise ValueError(
                    f"encoder stage '{name}' cannot take features of shape {tuple(features.shape[1:])} "
                    f"(images are {tuple(image_shape)}): {error}"
                ) from error
            shapes.append(tuple(features.shape[1:]))
    if not shapes:
        raise ValueError("an encoder needs at least one stage, it has none")
    return shapes


def check_sizes(encoder: str, **sizes: int) -> None:
    """Raise a `ValueError` in words unless every size is a whole number above zero."""
    for what, size in sizes.items():
        check_positive(f"{encoder}: {what}", size)


def check_image_shape(image_shape: tuple[int, int, int], *, at_least: int, encoder: str) -> tuple[int, int, int]:
    """The shape itself; a `ValueError` in words if images are not `(channels, height, width)` or too small."""
    if len(image_shape) != 3 or any(not is_whole(size) or size < 1 for size in image_shape):
        raise ValueError(f"{encoder}: an image's shape is (channels, height, width), each above zero, not {image_shape!r}")
    if min(image_shape[1:]) < at_least:
        raise ValueError(
            f"{encoder} needs images of at least {at_least}×{at_least} pixels, these are {image_shape[1]}×{image_shape[2]}"
        )
    channels, height, width = (int(size) for size in image_shape)
    return channels, height, width
