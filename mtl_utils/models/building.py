"""What nearly every model is built from: an encoder, and a head for each task on its features."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from mtl_utils.models.heads import make_head
from mtl_utils.models.stages import EncoderFactory, stage_shapes
from mtl_utils.tasks import Task


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
    built = encoder(image_shape)
    if not isinstance(built, nn.Sequential):
        raise ValueError(f"an encoder must be an nn.Sequential of stages, not {type(built).__name__}")
    return built


def build_encoder_and_heads(
    encoder: EncoderFactory, image_shape: tuple[int, int, int], tasks: Sequence[Task]
) -> tuple[nn.Sequential, dict[str, nn.Module]]:
    """An encoder, and a head for each task; initial weights come from the global generator (see `randomness.seeded`)."""
    built = build_encoder(encoder, image_shape)
    features = stage_shapes(built, image_shape)[-1]
    return built, {task.name: make_head(task, features, image_shape) for task in tasks}
