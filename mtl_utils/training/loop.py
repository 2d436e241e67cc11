"""The one training loop, a generator: whoever drives it sees every update and may stop at any time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_utils import randomness
from mtl_utils.balancing import Balancer, WeightedSum
from mtl_utils.datasets.batches import Batches, Data, training_data
from mtl_utils.datasets.dataset import MultiTaskDataset
from mtl_utils.device import choose_device
from mtl_utils.evaluation import evaluate_batches
from mtl_utils.randomness import RandomState
from mtl_utils.tasks import Batch, Task
from mtl_utils.training.arguments import check_fit_together, check_length, check_settings
from mtl_utils.training.best_weights import BestWeights
from mtl_utils.training.choosing import Chooser, mean_improvement
from mtl_utils.training.history import History, Step
from mtl_utils.training.optimizer import OptimizerFactory, adam, make_optimizer, make_schedule
from mtl_utils.training.update import Update


def train(
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
) -> Generator[Step, int | None, None]:
    """Train, yielding a `Step` after every update. Whoever drives the generator may stop at any time.

    A driver can also make the run longer, after its last step, too: `generator.send(100)` makes the next update and lets the
    run end 100 steps after the one that was yielded last. Everything goes on as it was (optimizer, schedule, order of images).

    However it ends (all steps done, early stopping, `close()`, an interruption or an error), the model then has the weights
    that were best on validation, or the latest ones if there was no validation. (Weights that the driver itself changed after
    the last step stay, whenever the generator is closed or deleted.)

    Args:
        model: returns `{task: output}`; best a `MultiTaskModel`. Moved to `device`. A model in evaluation mode is put in
            training mode as a whole; in one that is in training mode, parts in evaluation mode (a frozen encoder) stay so.
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
        choose: says how good a validation is (higher is better), given the first one; see `mtl_utils.training`.
        patience: stop when so many validations in a row have brought nothing better.
        tasks: the tasks, if the data do not say.
        seed: decides the order of the images, and all else that is left to chance (dropout, random balancers). The order of a
            `DataLoader` too, unless it was given a generator of its own, or its data set draws from elsewhere than PyTorch.
        device: where to compute; chosen by `choose_device` by default.
        history: an empty record to fill; read it while the training runs.

    Raises:
        ValueError: in words, before the first update, if the arguments, model and data do not fit each other.
        NonFiniteLossError: names the task and the step.

    Example:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(train=256, val=100, test=100)
        >>> steps = train(models.hard_sharing(models.lenet, pairs), pairs, epochs=2, batch_size=128)
        >>> [(step.number, step.epoch) for step in steps]
        [(1, 1), (2, 1), (3, 2), (4, 2)]
    """
    check_length(epochs, steps)
    check_settings(validate_every, patience, optimizer, schedule, balancer, penalty, history)
    training, validation_data = training_data(data, tasks, val=val, batch_size=batch_size)
    tasks = training.tasks
    check_fit_together(model, tasks, choose, patience, validation_data is not None)

    device = choose_device(device)
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    balancer = balancer if balancer is not None else WeightedSum()
    balancer.prepare([task.name for task in tasks])
    descent = make_optimizer(optimizer if optimizer is not None else adam(), model, balancer)
    update = Update(model, tasks, training.complete, descent, balancer, penalty)
    scheduler = make_schedule(schedule, descent) if schedule is not None else None
    history = history if history is not None else History()
    order, chance = randomness.generator(seed), RandomState(seed, device)
    best = BestWeights(choose, tasks)
    number, written = 0, -1
    started = time.perf_counter()
    balancer.attach(model)
    try:
        for epoch, epoch_ends, (images, targets) in _epochs(training, order, device):
            number += 1
            if not model.training:
                model.train()
            with chance:
                losses, weights = update(images.to(device), targets, number)
            if scheduler is not None:
                scheduler.step()
            if epoch_ends:
                balancer.after_epoch()
            finished = number == steps or (epoch_ends and epoch == epochs)
            due = finished or (epoch_ends if validate_every is None else number % validate_every == 0)
            if due:
                update.check_weights(number)
            validation = None
            if due and validation_data is not None:
                validation = evaluate_batches(model, validation_data, device=device)
            is_best = validation is not None and best.consider(validation, model)
            step = Step(number, epoch, losses, weights, validation)
            history.steps.append(step)
            if is_best:
                history.best_step = number
            history.seconds = time.perf_counter() - started
            history.stopped = "finished" if finished else "not finished"
            written = update.times_written()
            more = yield step
            written = -1
            started = time.perf_counter() - history.seconds  # a rest that the driver takes is not training
            if more is not None:
                check_length(None, more)
                steps, epochs, finished = number + more, None, False
            if finished:
                return
            history.stopped = "not finished"
            if patience is not None and best.without_progress >= patience:
                history.stopped = f"stopped early: {patience} validations without progress"
                return
    except GeneratorExit:
        if history.stopped != "finished":
            history.stopped = f"stopped after step {number}"
        raise
    except KeyboardInterrupt:
        history.stopped = f"interrupted in step {number}"
        raise
    except Exception as error:
        history.stopped = f"failed in step {number}: {error}"
        raise
    finally:
        balancer.detach()
        # Whoever wrote to the weights after the last step (loaded others, say) and then lets go of this generator keeps them.
        theirs = written >= 0 and update.times_written() != written
        if best.weights is not None and history.best_step != number and not theirs:
            model.load_state_dict(best.weights)


def _epochs(data: Batches, order: torch.Generator, device: torch.device) -> Iterator[tuple[int, bool, Batch]]:
    """Batches without end, each with the number of its epoch and whether it is the last of it."""
    for epoch in itertools.count(1):
        for is_last, batch in data.shuffled(order, device):
            yield epoch, is_last, batch
