"""The other end from hard sharing: a network for one task alone, and such networks side by side as one model."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from mtl_utils.models.base import HasTasks, MultiTaskModel, Part, check_data
from mtl_utils.models.encoders.stages import EncoderFactory
from mtl_utils.models.hard_sharing import HardSharing
from mtl_utils.models.heads import build_encoder_and_heads
from mtl_utils.randomness import seeded


def single_task(encoder: EncoderFactory, data: HasTasks, task: str, *, seed: int = 0) -> HardSharing:
    """A network of its own for one task of `data`: hard sharing among one task.

    Its encoder starts from the same weights as `hard_sharing`'s with the same seed.

    Raises:
        ValueError: if the data have no such task.

    Example:
        >>> from mtl_utils import datasets, models
        >>> single_task(models.lenet, datasets.multi_mnist(60, 20, 20), 'left').task_names
        ('left',)
    """
    chosen = [candidate for candidate in check_data(data).tasks if candidate.name == task]
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
    """An untrained network for each task of `data`; all start from the same encoder weights. See `single_task`.

    Example:
        >>> from mtl_utils import datasets, models
        >>> model = separate_networks(models.lenet, datasets.multi_mnist(60, 20, 20))
        >>> model.shared_parameters()
        []
    """
    check_data(data)
    return SeparateNetworks({task.name: single_task(encoder, data, task.name, seed=seed) for task in data.tasks})
