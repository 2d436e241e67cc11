"""The one training loop. `train` is a generator that yields after every update; `fit` drives it to the end."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils.balancing import Balancer, WeightedSum
from mtl_utils.choosing import Chooser, mean_improvement
from mtl_utils.data.batches import checked_batches
from mtl_utils.data.split import Batch, MultiTaskData, Split, check_positive
from mtl_utils.device import choose_device
from mtl_utils.evaluation import (
    Evaluation,
    check_is_no_data_set,
    check_model_has_tasks,
    evaluate,
    output_of,
    target_of,
    tasks_of,
)
from mtl_utils.history import History, Step
from mtl_utils.models.multi_task_model import MultiTaskModel
from mtl_utils.randomness import RandomState, generator
from mtl_utils.tasks import Task, check_tasks

Data = MultiTaskData | Split | Iterable[Batch]


class NonFiniteLossError(RuntimeError):
    """A loss became infinite or not a number. The message names the task and the step."""


def adam(learning_rate: float = 2e-3, weight_decay: float = 0.0) -> Callable[[list[dict[str, Any]]], Optimizer]:
    """Makes Adam for parameter groups: the default optimizer, in its fused form, which is the fastest.

    Args:
        learning_rate: step size.
        weight_decay: strength of the L2 penalty ½·λ·‖θ‖², added to the gradient.
    """
    return lambda groups: torch.optim.Adam(groups, lr=learning_rate, weight_decay=weight_decay, fused=True)


def train(
    model: nn.Module,
    data: Data,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 256,
    optimizer: Callable[[list[dict[str, Any]]], Optimizer] | None = None,
    schedule: Callable[[Optimizer], LRScheduler] | None = None,
    balancer: Balancer | None = None,
    penalty: Callable[[nn.Module], Tensor] | None = None,
    val: Split | Iterable[Batch] | None = None,
    validate_every: int | None = None,
    choose: Chooser = mean_improvement,
    patience: int | None = None,
    tasks: Sequence[Task] | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    history: History | None = None,
) -> Iterator[Step]:
    """Train, yielding a `Step` after every update. Whoever drives the generator may stop at any time.

    However it ends (all steps done, early stopping, `close()`, an interruption or an error), the model then has the weights
    that were best on validation, or the latest ones if there was no validation.

    Args:
        model: returns `{task: output}`; best a `MultiTaskModel`. Moved to `device`.
        data: a data set (its `val` split is used for validation), a split, or batches that can be read again and again.
        epochs, steps: how long; exactly one of them. An epoch is one pass over the training data.
        batch_size: images per update, for a data set or a split.
        optimizer: makes an optimizer from parameter groups; `adam()` by default. What a balancer learns is a group of its own,
            without weight decay.
        schedule: makes a learning rate schedule from the optimizer, such as `lambda o: OneCycleLR(o, 0.01, total_steps=300)`;
            it advances with every update.
        balancer: turns the tasks' losses into gradients; their plain sum by default.
        penalty: added to what the balancer descends, whatever the balancer, such as `L1(1e-4)`.
        val: the validation split, where `data` does not bring one.
        validate_every: updates between validations; by default one after each epoch. There is always one at the end.
        choose: says how good a validation is (higher is better), given the first one; see `mtl_utils.choosing`.
        patience: stop when so many validations in a row have brought nothing better.
        tasks: the tasks, if the data do not say.
        seed: decides the order of the images, and all else that is left to chance (dropout, random balancers).
        device: where to compute; chosen by `choose_device` by default.
        history: an empty record to fill; read it while the training runs.

    Raises:
        ValueError: in words, before the first update, if the arguments, model and data do not fit each other.
        NonFiniteLossError: names the task and the step.
    """
    tasks = check_tasks(tasks if tasks is not None else tasks_of(data))
    _check_length(epochs, steps)
    check_positive("batch size", batch_size)
    if validate_every is not None:
        check_positive("validate_every", validate_every)
    if patience is not None:
        check_positive("patience", patience)
    _check_kinds(optimizer, schedule, balancer)
    if history is not None and history.steps:
        raise ValueError(
            f"history= takes an empty record, this one has {len(history.steps)} steps already: give a new History()"
        )
    check_model_has_tasks(model, tasks)
    for name in getattr(model, "task_names", ()):
        if name not in [task.name for task in tasks]:
            raise ValueError(
                f"the model has a head for '{name}', but the data have no such task; "
                f"their tasks are {[task.name for task in tasks]}"
            )
    if isinstance(data, MultiTaskData):
        training, val = data.train, data.val if val is None else val
    else:
        training = data  # type: ignore[assignment]
    if isinstance(training, Split):
        if training.tasks != tasks:
            training = training.for_tasks(*[task.name for task in tasks])
        training = training.with_any_label()  # an image without any label teaches nothing and would empty a batch
    _check_validation(val, training, tasks)
    if patience is not None and val is None:
        raise ValueError("early stopping (patience) needs a validation split: give one in `val=`")

    complete = _completely_labelled(training, tasks)
    device = choose_device(device)
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    balancer = balancer if balancer is not None else WeightedSum()
    balancer.prepare([task.name for task in tasks])
    groups = _parameter_groups(model)
    if learned := balancer.parameters():
        groups.append({"params": learned, "weight_decay": 0.0})
    update = (optimizer if optimizer is not None else adam())(groups)
    for group in update.param_groups:
        group["lr"] *= group.get("learning_rate_factor", 1.0)
    scheduler = schedule(update) if schedule is not None else None
    history = history if history is not None else History()
    chance = RandomState(seed, device)
    best = _BestWeights(choose, tasks)
    number = 0
    started = time.perf_counter()
    try:
        for epoch, epoch_ends, (images, targets) in _stream(training, tasks, batch_size, generator(seed), device):
            number += 1
            if not model.training:
                model.train()
            with chance:
                losses, weights = _update(model, images.to(device), targets, tasks, complete, update, balancer, penalty, number)
            if scheduler is not None:
                scheduler.step()
            if epoch_ends:
                balancer.after_epoch()
            finished = number == steps or (epoch_ends and epoch == epochs)
            due = finished or (epoch_ends if validate_every is None else number % validate_every == 0)
            validation = evaluate(model, val, tasks=tasks, device=device) if val is not None and due else None
            if validation is not None and best.consider(validation, model):
                history.best_step = number
            step = Step(number, epoch, losses, weights, validation)
            history.steps.append(step)
            history.seconds = time.perf_counter() - started
            yield step
            started = time.perf_counter() - history.seconds  # a rest that the driver takes is not training
            if finished:
                history.stopped = "finished"
                return
            if patience is not None and best.without_progress >= patience:
                history.stopped = f"stopped early: {patience} validations without progress"
                return
    except GeneratorExit:
        history.stopped = f"stopped after step {number}"
        raise
    except KeyboardInterrupt:
        history.stopped = f"interrupted in step {number}"
        raise
    except Exception as error:
        history.stopped = f"failed in step {number}: {error}"
        raise
    finally:
        if best.weights is not None and history.best_step != number:
            model.load_state_dict(best.weights)


def fit(model: nn.Module, data: Data, *, progress: bool = True, **arguments: Any) -> History:
    """Train to the end, with a progress bar, and return the history. See `train` for all other arguments.

    An interruption (Ctrl-C, or Jupyter's stop button) ends the training and nothing else: the model is usable and the history
    so far is returned.
    """
    from tqdm.auto import tqdm

    history = arguments.pop("history", None) or History()
    run = train(model, data, history=history, **arguments)
    total, epochs = arguments.get("steps"), arguments.get("epochs")
    _check_length(epochs, total)
    if epochs is not None:
        per_epoch = _steps_per_epoch(data, check_positive("batch size", arguments.get("batch_size", 256)))
        total = epochs * per_epoch if per_epoch else None
    # A bar that only shows after a second, and goes away, leaves notebooks quiet.
    with tqdm(total=total, unit="step", disable=not progress, delay=1, leave=False) as bar:
        try:
            for step in run:
                bar.update()
                if step.validation is not None:
                    bar.set_postfix({name: f"{value:.3f}" for name, value in step.validation.metrics.items()}, refresh=False)
        except KeyboardInterrupt:
            pass
        finally:
            run.close()  # type: ignore[attr-defined]
    return history


class _BestWeights:
    """Keeps a copy of the weights with the best validation so far."""

    def __init__(self, choose: Chooser, tasks: Sequence[Task]) -> None:
        self._choose, self._tasks = choose, tasks
        self._first: Evaluation | None = None
        self._score = -math.inf
        self.weights: dict[str, Tensor] | None = None
        self.without_progress = 0

    def consider(self, validation: Evaluation, model: nn.Module) -> bool:
        """Whether this validation is the best so far."""
        self._first = self._first if self._first is not None else validation
        score = self._choose(validation, self._first, self._tasks)
        if score > self._score:
            self._score, self.without_progress = score, 0
            self.weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
            return True
        self.without_progress += 1
        return False


def _stream(
    data: Split | Iterable[Batch], tasks: Sequence[Task], batch_size: int, order: torch.Generator, device: torch.device
) -> Iterator[tuple[int, bool, Batch]]:
    """Batches without end, each with the number of its epoch and whether it is the last of it."""
    for epoch in itertools.count(1):
        if isinstance(data, Split):
            last = max(len(data) // batch_size, 1)
            for number, whole in enumerate(data.batches(batch_size, shuffle=order, device=device), start=1):
                yield epoch, number == last, whole
            continue
        batches = (batch for batch in checked_batches(data, tasks) if _has_label(batch, tasks))
        batch = next(batches, None)
        if batch is None:
            again = (
                f" in epoch {epoch}: give a list or a DataLoader, which can be read again, not a generator" if epoch > 1 else ""
            )
            raise ValueError(f"the training data gave no batch with a label{again}")
        while batch is not None:
            following = next(batches, None)
            yield epoch, following is None, batch
            batch = following


def _completely_labelled(data: Split | Iterable[Batch], tasks: Sequence[Task]) -> frozenset[str]:
    """Tasks of which a split has every label, so that no step needs to look for missing ones."""
    if not isinstance(data, Split):
        return frozenset()
    return frozenset(task.name for task in tasks if bool(task.labelled(data.targets[task.name]).all()))


def _has_label(batch: Batch, tasks: Sequence[Task]) -> bool:
    return any(bool(task.labelled(target_of(batch[1], task)).any()) for task in tasks)


def _update(
    model: nn.Module,
    images: Tensor,
    targets: dict[str, Tensor],
    tasks: Sequence[Task],
    complete: frozenset[str],
    optimizer: Optimizer,
    balancer: Balancer,
    penalty: Callable[[nn.Module], Tensor] | None,
    number: int,
) -> tuple[dict[str, float], dict[str, float]]:
    """One update. Returns losses and weights for the history."""
    losses = _losses(model, images, targets, tasks, complete)
    values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
    for name, value in values.items():
        # Before anything changes, so that the weights are still those of the last sound step.
        if not math.isfinite(value):
            raise NonFiniteLossError(
                f"the loss of task '{name}' became {value} in step {number}; a smaller learning rate or weight, "
                "or a look at the task's targets, may help"
            )
    optimizer.zero_grad(set_to_none=True)
    weights = balancer.backward(losses, model)
    if penalty is not None:
        extra = penalty(model)
        if not math.isfinite(extra.item()):
            raise NonFiniteLossError(f"the penalty became {extra.item()} in step {number}; a smaller strength may help")
        torch.autograd.backward(extra)
    _match_layout(model)
    optimizer.step()
    if balancer.needs_losses_again:
        balancer.after_step(lambda: _losses(model, images, targets, tasks, complete))
    nan = float("nan")
    return (
        {task.name: values.get(task.name, nan) for task in tasks},
        {task.name: weights.get(task.name, nan) for task in tasks},
    )


def _losses(
    model: nn.Module, images: Tensor, targets: dict[str, Tensor], tasks: Sequence[Task], complete: frozenset[str]
) -> dict[str, Tensor]:
    """The loss of every task that has a label in this batch."""
    outputs = model(images)
    losses = {}
    for task in tasks:
        output = output_of(outputs, task)
        target = target_of(targets, task).to(images.device)
        if task.name in complete or task.labelled(target).any():
            losses[task.name] = task.loss(output, target)
    return losses


def _parameter_groups(model: nn.Module) -> list[dict[str, Any]]:
    """What the optimizer learns of the model, in the model's own groups if it has a wish (see `MultiTaskModel`)."""
    groups = model.parameter_groups() if isinstance(model, MultiTaskModel) else [{"params": list(model.parameters())}]
    return [{**group, "params": [p for p in group["params"] if p.requires_grad]} for group in groups]


def _match_layout(model: nn.Module) -> None:
    """Give every gradient the memory layout of its parameter.

    Backward passes do so by themselves; balancers and penalties that write gradients may not. PyTorch's fused optimizers on a
    CPU silently take the wrong elements when the two layouts differ.
    """
    for parameter in model.parameters():
        gradient = parameter.grad
        if gradient is not None and gradient.stride() != parameter.stride():
            parameter.grad = torch.empty_like(parameter).copy_(gradient)


def _check_length(epochs: int | None, steps: int | None) -> None:
    if (epochs is None) == (steps is None):
        raise ValueError("say how long to train: either epochs=… or steps=…, and only one of them")
    check_positive("epochs" if steps is None else "steps", epochs if steps is None else steps)  # type: ignore[arg-type]


def _check_kinds(optimizer: object, schedule: object, balancer: object) -> None:
    for what, given, example in (
        ("optimizer", optimizer, "adam(0.001) or lambda groups: torch.optim.SGD(groups, lr=0.1)"),
        ("schedule", schedule, "lambda optimizer: OneCycleLR(optimizer, 0.01, total_steps=300)"),
    ):
        if given is not None and not callable(given):
            raise ValueError(f"{what}= takes a function that makes one, such as {example}, not a {type(given).__name__}")
    if balancer is not None and not isinstance(balancer, Balancer):
        raise ValueError(f"balancer= takes a balancer, such as WeightedSum() or pcgrad(), not {balancer!r}")


def _check_validation(val: Split | Iterable[Batch] | None, training: Split | Iterable[Batch], tasks: Sequence[Task]) -> None:
    """Find out before the first update, and not after an epoch, that the validation split does not fit."""
    check_is_no_data_set(val)
    if not isinstance(val, Split):
        return
    for task in tasks:
        if task.name not in val.targets:
            raise ValueError(f"the validation split has no task '{task.name}'; its tasks are {list(val.targets)}")
    if isinstance(training, Split) and val.image_shape != training.image_shape:
        raise ValueError(f"validation images are {val.image_shape}, training images {training.image_shape}")


def _steps_per_epoch(data: Data, batch_size: int) -> int | None:
    split = data.train if isinstance(data, MultiTaskData) else data
    if isinstance(split, Split):
        return max(len(split) // batch_size, 1)
    try:
        return len(split)  # type: ignore[arg-type]
    except TypeError:
        return None
