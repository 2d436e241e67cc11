"""Hard parameter sharing: one encoder, and a head for each task.

The other end, a network for each task, is in `separate_networks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mtl_utils.models.base import HasTasks, MultiTaskModel, Part, check_data
from mtl_utils.models.encoders.stages import EncoderFactory
from mtl_utils.models.heads import build_encoder_and_heads
from mtl_utils.randomness import seeded


class HardSharing(MultiTaskModel):
    """Every task reads the features of one encoder (Caruana, ICML 1993).

    Args:
        encoder: stages, `[N, C, H, W]` to features.
        heads: for each task a module from features to its output.
        encoder_rate: the encoder learns at this multiple of the learning rate; a pretrained one is often given 0.1 or less.
    """

    def __init__(self, encoder: nn.Sequential, heads: Mapping[str, nn.Module], *, encoder_rate: float = 1.0) -> None:
        super().__init__(tuple(heads))
        if not encoder_rate > 0:
            raise ValueError(f"encoder_rate must be above zero, not {encoder_rate!r}; to learn nothing there is FrozenEncoder")
        self.encoder, self.encoder_rate = encoder, encoder_rate
        self.heads = nn.ModuleDict(dict(heads))

    def encode(self, images: Tensor) -> Tensor:
        """The shared features of images `[N, C, H, W]`."""
        features: Tensor = self.encoder(images)
        return features

    def decode(self, features: Tensor) -> dict[str, Tensor]:
        """Every task's output from the shared features."""
        return {name: head(features) for name, head in self.heads.items()}

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return self.decode(self.encode(images))

    def parameter_groups(self) -> list[dict[str, Any]]:
        if self.encoder_rate == 1:
            return super().parameter_groups()
        encoder = {"params": list(self.encoder.parameters()), "learning_rate_factor": self.encoder_rate}
        return [encoder, {"params": list(self.heads.parameters())}]

    def parts(self) -> list[Part]:
        stages = [
            Part(f"encoder.{name}", self.task_names, stage, level)
            for level, (name, stage) in enumerate(self.encoder.named_children())
        ]
        heads = [Part(f"head of {name}", (name,), head, len(stages)) for name, head in self.heads.items()]
        return stages + heads


def hard_sharing(encoder: EncoderFactory, data: HasTasks, *, encoder_rate: float = 1.0, seed: int = 0) -> HardSharing:
    """One encoder and a head for each task of `data`.

    Args:
        encoder: makes the encoder, such as `lenet`, `small_cnn`, `resnet18`, or `functools.partial(lenet, features=20)`.
        data: a data set or a split; gives the tasks and the images' shape.
        encoder_rate: the encoder learns at this multiple of the learning rate.
        seed: chooses the initial weights.

    Raises:
        ValueError: if a built encoder comes in place of what makes one, or does not fit the images or the tasks.

    Example:
        >>> from mtl_utils import datasets, models
        >>> model = hard_sharing(models.lenet, datasets.multi_mnist(60, 20, 20))
        >>> [part.name for part in model.parts()]
        ['encoder.conv1', 'encoder.conv2', 'encoder.dense', 'head of left', 'head of right']
    """
    with seeded(seed):
        return HardSharing(
            *build_encoder_and_heads(encoder, check_data(data).image_shape, data.tasks), encoder_rate=encoder_rate
        )
