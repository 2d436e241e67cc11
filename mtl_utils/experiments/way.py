"""One way of solving the tasks: a model, and what is special in its training."""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils.balancing import Balancer
from mtl_utils.datasets.splits import Splits
from mtl_utils.training.choosing import Chooser
from mtl_utils.training.optimizer import OptimizerFactory

ModelFactory = Callable[[int], nn.Module]


def check_factory(make_model: ModelFactory) -> ModelFactory:
    """What makes models itself; a `ValueError` in words if it is a model already, or cannot be called."""
    if isinstance(make_model, nn.Module) or not callable(make_model):
        raise ValueError(
            f"make_model= takes a function that makes an untrained model from a seed, not {_called(make_model)}: write, for "
            "example, lambda seed: models.hard_sharing(models.lenet, data, seed=seed)"
        )
    return make_model


def _called(value: object) -> str:
    return f"a {type(value).__name__} that is built already" if isinstance(value, nn.Module) else repr(value)


@dataclass(frozen=True)
class Way:
    """What a row of a comparison is about. What is `None` is as for all ways: see the arguments of `compare`.

    Everything that a run changes is made anew for it, so balancers and penalties come as functions that make them.

    Attributes:
        model: makes an untrained model from a seed.
        balancer: makes the balancer, such as `balancing.FAMO` or `lambda: WeightedSum({"left": 0.3, "right": 0.7})`.
        penalty: makes the penalty, such as `lambda: L2(1e-4)`.
        optimizer, schedule, batch_size, choose: as for `fit`.
        updates: number of updates.
        splits: other data, or a function that makes them from the seed.
        tasks: names of the tasks to train and to measure; all by default.
        tuning: how many runs were spent on choosing this way's settings; written into the table.

    Example:
        >>> from mtl_utils import balancing, datasets, models
        >>> pairs = datasets.multi_mnist(60, 20, 20)
        >>> way = Way(lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed), balancer=balancing.FAMO)
        >>> type(way.balancer()).__name__  # a new one for each run
        'FAMO'
    """

    model: ModelFactory
    balancer: Callable[[], Balancer] | None = None
    penalty: Callable[[], Callable[[nn.Module], Tensor]] | None = None
    optimizer: OptimizerFactory | None = None
    schedule: Callable[[Optimizer], LRScheduler] | None = None
    batch_size: int | None = None
    choose: Chooser | None = None
    updates: int | None = None
    splits: Splits | Callable[[int], Splits] | None = None
    tasks: tuple[str, ...] | None = None
    tuning: int = 0

    def described(self) -> str:
        """A text that changes when the way changes, for the record of what made a result."""
        return "; ".join(f"{each.name}={describe(getattr(self, each.name))}" for each in fields(self))


def describe(value: Any) -> str:
    """A value as a text that is the same in every process: functions by their source, data by a checksum of their images."""
    if isinstance(value, Splits):
        checksum = hashlib.sha256()
        for part in (value.train, value.val, value.test):
            for tensor in (part.images, *part.targets.values()):
                checksum.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return f"{value.name} {checksum.hexdigest()[:12]}"
    if isinstance(value, functools.partial):
        named = ", ".join(f"{name}={describe(each)}" for name, each in sorted(value.keywords.items()))
        return f"{describe(value.func)}({', '.join(map(describe, value.args))}; {named})"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(describe, value))}]"
    if inspect.isroutine(value) or isinstance(value, type):
        settings = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
        named = repr([each for each in settings if isinstance(each, bool | int | float | str)])
        try:
            return named + hashlib.sha256(inspect.getsource(value).encode()).hexdigest()[:12]
        except (OSError, TypeError):  # built in
            return value.__qualname__
    if callable(value) and hasattr(value, "__dict__"):
        return f"{type(value).__qualname__}({', '.join(f'{name}={describe(each)}' for name, each in vars(value).items())})"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))  # an address is another one in every process
