"""Separate networks, the other end from hard sharing: one network for each task, side by side as one model."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from mtl_utils.models.base import HasTasks, MultiTaskModel, Part, check_data
from mtl_utils.models.encoders.stages import EncoderFactory
from mtl_utils.models.hard_sharing import HardSharing, single_task


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
    check_data(data)
    return SeparateNetworks({task.name: single_task(encoder, data, task.name, seed=seed) for task in data.tasks})
