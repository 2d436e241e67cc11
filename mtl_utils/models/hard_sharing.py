"""Hard parameter sharing: one encoder, and a head for each task. With one task it is a single-task network.

Separate networks, the other end, stand below: one network for each task, side by side as one model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mtl_utils.models.base import HasTasks, MultiTaskModel, Part
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
    """
    with seeded(seed):
        return HardSharing(*build_encoder_and_heads(encoder, data.image_shape, data.tasks), encoder_rate=encoder_rate)


def single_task(encoder: EncoderFactory, data: HasTasks, task: str, *, seed: int = 0) -> HardSharing:
    """A network of its own for one task of `data`: hard sharing among one task.

    Its encoder starts from the same weights as `hard_sharing`'s with the same seed.

    Raises:
        ValueError: if the data have no such task.
    """
    chosen = [candidate for candidate in data.tasks if candidate.name == task]
    if not chosen:
        raise ValueError(f"the data have no task '{task}'; the tasks are {[each.name for each in data.tasks]}")
    with seeded(seed):
        return HardSharing(*build_encoder_and_heads(encoder, data.image_shape, chosen))


def check_single_tasks(networks: Mapping[str, HardSharing]) -> None:
    """Raise a `ValueError` in words unless each network answers the task that it is given for, and no other."""
    for name, network in networks.items():
        if network.task_names != (name,):
            raise ValueError(f"the network for task '{name}' answers {list(network.task_names)}; it must answer '{name}' alone")


class SeparateNetworks(MultiTaskModel):
    """A network for each task, each reading the image for itself.

    Args:
        networks: for each task a single-task network, trained or not.
    """

    def __init__(self, networks: Mapping[str, HardSharing]) -> None:
        super().__init__(tuple(networks))
        check_single_tasks(networks)
        self.networks = nn.ModuleDict(dict(networks))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {name: network(images)[name] for name, network in self.networks.items()}

    def parts(self) -> list[Part]:
        return [
            Part(f"{part.name} of {name}" if part.name.startswith("encoder") else part.name, (name,), part.module, part.level)
            for name, network in self.networks.items()
            for part in network.parts()  # type: ignore[operator]
        ]


def separate_networks(encoder: EncoderFactory, data: HasTasks, *, seed: int = 0) -> SeparateNetworks:
    """An untrained network for each task of `data`; all start from the same encoder weights. See `single_task`."""
    return SeparateNetworks({task.name: single_task(encoder, data, task.name, seed=seed) for task in data.tasks})
