"""Small labs for tests: data, the lab, its controls, an event loop; every test closes what it made."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import ipywidgets
import torch

from mtl_utils import datasets, models
from mtl_utils.lab import LossWeightLab
from mtl_utils.tasks import classification

SIZE = (1, 28, 28)
FAST = math.inf


def small_data(*tasks: Any, count: int = 96) -> datasets.Splits:
    """Random images with a random target of each task."""
    tasks = tasks or (classification("left", 3), classification("right", 3))
    generator = torch.Generator().manual_seed(0)

    def split() -> datasets.MultiTaskDataset:
        images = torch.randint(256, (count, *SIZE), dtype=torch.uint8, generator=generator)
        targets = {
            task.name: torch.randint(task.output_size, (count,), generator=generator)
            if task.is_classification
            else torch.randn(count, task.output_size, generator=generator)
            for task in tasks
        }
        return datasets.MultiTaskDataset(images, targets, tasks)

    return datasets.Splits("small", split(), split(), split())


def factory(of: datasets.Splits) -> Callable[[int], torch.nn.Module]:
    return lambda seed: models.hard_sharing(models.lenet, of, seed=seed)


def make_lab(of: datasets.Splits | None = None, **arguments: Any) -> LossWeightLab:
    of = of if of is not None else small_data()
    arguments = {"steps": 40, "batch_size": 32, "validate_every": 4, "device": "cpu", "speed": FAST} | arguments
    return LossWeightLab(factory(of), of, **arguments)


MADE: list[Any] = []


def remember(made: Any) -> Any:
    MADE.append(made)
    return made


def live(test: Callable[[], Awaitable[None]]) -> None:
    """Run on an event loop, as a kernel does."""
    asyncio.run(asyncio.wait_for(test(), 60))


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def controls_of(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from controls_of(child)
