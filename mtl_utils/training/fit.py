"""Drives the training loop to its end, with a progress bar."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils.balancing import Balancer
from mtl_utils.datasets.batches import Data, training_data
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.tasks import Batch, Task
from mtl_utils.training.arguments import check_length
from mtl_utils.training.choosing import Chooser, mean_improvement
from mtl_utils.training.history import History
from mtl_utils.training.loop import train
from mtl_utils.training.optimizer import OptimizerFactory


def fit(
    model: nn.Module,
    data: Data,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 256,
    optimizer: OptimizerFactory | None = None,
    schedule: Callable[[Optimizer], LRScheduler] | None = None,
    balancer: Balancer | None = None,
    penalty: Callable[[nn.Module], Tensor] | None = None,
    val: MultiTaskDataset | Iterable[Batch] | None = None,
    validate_every: int | None = None,
    choose: Chooser = mean_improvement,
    patience: int | None = None,
    tasks: Sequence[Task] | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    history: History | None = None,
    progress: bool = True,
) -> History:
    """Train to the end, with a progress bar, and return the history.

    An interruption (Ctrl-C, or Jupyter's stop button) ends the training after the current step (with its validation, if it is
    due) and nothing else: the model is usable and has its best weights so far, every mode is as it was, and the history is
    returned; `history.stopped` says so. A second interruption does not wait for the end of the step.

    To train on, call `fit` again: with a new optimizer, and with another `seed`, since the same one repeats the same batches.

    Args:
        progress: whether to show a bar, for trainings that take longer than a second.
        model, data, epochs, steps, batch_size, optimizer, schedule, balancer, penalty, val, validate_every, choose, patience, \
tasks, seed, device, history: as for `train`, where each is explained.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(train=256, val=100, test=100)
        >>> model = models.hard_sharing(models.lenet, pairs)
        >>> history = fit(model, pairs, epochs=2, batch_size=64, device="cpu", progress=False)
        >>> len(history.steps), history.tasks, history.stopped
        (8, ['left', 'right'], 'finished')
        >>> list(history.validation_table().index)  # validated after each epoch
        [4, 8]
    """
    from tqdm.auto import tqdm

    history = History() if history is None else history
    run = train(
        model, data, epochs=epochs, steps=steps, batch_size=batch_size, optimizer=optimizer, schedule=schedule,
        balancer=balancer, penalty=penalty, val=val, validate_every=validate_every, choose=choose, patience=patience,
        tasks=tasks, seed=seed, device=device, history=history,
    )  # fmt: skip
    check_length(epochs, steps)
    total = steps
    if epochs is not None and progress:
        per_epoch = training_data(data, tasks, batch_size=batch_size).train.per_epoch()
        total = epochs * per_epoch if per_epoch else None
    # A bar that only shows after a second, and goes away, leaves notebooks quiet.
    with tqdm(total=total, unit="step", disable=not progress, delay=1, leave=False) as bar, _asked_to_stop() as asked:
        try:
            for step in run:
                if asked:
                    run.close()
                    history.stopped = f"interrupted after step {step.number}"
                    break
                bar.update()
                if step.validation is not None:
                    bar.set_postfix({name: f"{value:.3f}" for name, value in step.validation.metrics.items()}, refresh=False)
        except KeyboardInterrupt:
            pass
        finally:
            run.close()
    return history


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """Inside, the first Ctrl-C is only noted, in the list that comes; a second one interrupts as usual.

    An exception that comes between any two instructions could leave a mode, a random state or the record half changed. Only
    Python's own handler is replaced, and only in the main thread, where signals arrive.
    """
    asked: list[int] = []
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual is not signal.default_int_handler:
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        if asked:
            signal.default_int_handler(number, frame)
        asked.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, usual)
