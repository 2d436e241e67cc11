"""Finds out before the first update whether the arguments of a training, its model and its data fit each other."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mtl_utils._checks import check_positive
from mtl_utils.balancing import Balancer
from mtl_utils.models.forward import check_model_has_tasks
from mtl_utils.tasks import Task
from mtl_utils.training.choosing import MetricOf
from mtl_utils.training.history import History


def check_length(epochs: int | None, steps: int | None) -> None:
    """Exactly one of the two, a whole number above zero."""
    if (epochs is None) == (steps is None):
        raise ValueError("say how long to train: either epochs=… or steps=…, and only one of them")
    check_positive("epochs" if steps is None else "steps", epochs if steps is None else steps)  # type: ignore[arg-type]


def check_settings(
    validate_every: int | None,
    patience: int | None,
    optimizer: object,
    schedule: object,
    balancer: object,
    penalty: object,
    history: History | None,
) -> None:
    """What can be seen without the data and the model; see the functions below."""
    check_gradients_are_on()
    check_numbers(validate_every, patience)
    check_kinds(optimizer, schedule, balancer, penalty, history)


def check_fit_together(model: nn.Module, tasks: Sequence[Task], choose: object, patience: int | None, validates: bool) -> None:
    """What can be seen once the tasks are known; see the functions below."""
    check_choose(choose, tasks)
    check_heads(model, tasks)
    check_patience(patience, validates)


def check_gradients_are_on() -> None:
    """Not inside `torch.no_grad()` or `torch.inference_mode()`."""
    if not torch.is_grad_enabled() or torch.is_inference_mode_enabled():
        where = "inference_mode" if torch.is_inference_mode_enabled() else "no_grad"
        raise ValueError(f"training needs gradients, and this is inside torch.{where}(): train outside of it")


def check_numbers(validate_every: int | None, patience: int | None) -> None:
    """Whole numbers above zero, where they are given."""
    if validate_every is not None:
        check_positive("validate_every", validate_every)
    if patience is not None:
        check_positive("patience", patience)


def check_kinds(optimizer: object, schedule: object, balancer: object, penalty: object, history: History | None) -> None:
    """Factories where factories are meant, a balancer, a function for a penalty, and an empty record."""
    for what, given, example in (
        ("optimizer", optimizer, "adam(0.001) or lambda groups: torch.optim.SGD(groups, lr=0.1)"),
        ("schedule", schedule, "lambda optimizer: OneCycleLR(optimizer, 0.01, total_steps=300)"),
    ):
        if given is not None and not callable(given):
            raise ValueError(f"{what}= takes a function that makes one, such as {example}, not a {type(given).__name__}")
    if balancer is not None and not isinstance(balancer, Balancer):
        raise ValueError(f"balancer= takes a balancer, such as WeightedSum() or pcgrad(), not {balancer!r}")
    if penalty is not None and not callable(penalty):
        raise ValueError(f"penalty= takes a function of the model, such as L2(0.0001), not {penalty!r}")
    if history is not None and not isinstance(history, History):
        raise ValueError(f"history= takes an empty record, History(), not {history!r}")
    if history is not None and history.steps:
        raise ValueError(
            f"history= takes an empty record, this one has {len(history.steps)} steps already: give a new History()"
        )


def check_choose(choose: object, tasks: Sequence[Task]) -> None:
    """A function; and if it looks at the metric of one task, the task is there."""
    if not callable(choose):
        raise ValueError(f"choose= takes a function, such as mean_improvement or metric_of('{tasks[0].name}'), not {choose!r}")
    if isinstance(choose, MetricOf):
        choose.task_among(tasks)


def check_heads(model: nn.Module, tasks: Sequence[Task]) -> None:
    """The model, if it knows its tasks, has a head for each task and no other."""
    check_model_has_tasks(model, tasks)
    names = [task.name for task in tasks]
    for name in getattr(model, "task_names", ()):
        if name not in names:
            raise ValueError(f"the model has a head for '{name}', but the data have no such task; their tasks are {names}")


def check_patience(patience: int | None, validates: bool) -> None:
    """Early stopping needs a validation split."""
    if patience is not None and not validates:
        raise ValueError("early stopping (patience) needs a validation split: give one in `val=`")
