"""The training loop: the same numbers as by hand, reproducible, interruptible, and early with its complaints."""

import itertools
import math
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader

from mtl_utils import balancing, datasets, models, randomness
from mtl_utils.datasets import MultiTaskDataset, Normalization
from mtl_utils.datasets.batches import checked_batches
from mtl_utils.evaluation import Evaluation, evaluate, predict
from mtl_utils.penalties.l1_l2 import L2
from mtl_utils.randomness import RandomState, seeded
from mtl_utils.tasks import MISSING_CLASS, classification, pixel_regression, regression
from mtl_utils.training import NonFiniteLossError, fit, train
from mtl_utils.training.choosing import lowest_loss, mean_improvement, metric_of
from mtl_utils.training.history import History


def sgd(groups):
    return torch.optim.SGD(groups, lr=0.1, momentum=0.5)


def weights_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one, two):
    return all(torch.equal(one[name], two[name]) for name in one)


def run(model, source, **arguments):
    return fit(model, source, **({"batch_size": 32, "progress": False} | arguments))


def test_a_loop_by_hand_gives_the_same_numbers(two_digits, encoder):
    by_hand, fitted = (models.hard_sharing(encoder, two_digits).to(memory_format=torch.channels_last) for _ in range(2))
    optimizer, order = sgd(by_hand.parameters()), randomness.generator(7)
    losses = []
    for _ in range(2):
        for images, targets in two_digits.train.batches(32, shuffle=order):
            outputs = by_hand(images)
            each = {task.name: task.loss(outputs[task.name], targets[task.name]) for task in two_digits.tasks}
            optimizer.zero_grad()
            (each["left"] + each["right"]).backward()
            optimizer.step()
            losses.append({name: loss.item() for name, loss in each.items()})
    history = run(fitted, two_digits.train, epochs=2, optimizer=sgd, seed=7)
    assert [step.losses for step in history.steps] == losses
    assert same(weights_of(fitted), weights_of(by_hand))


@pytest.mark.parametrize("balancer", [balancing.WeightedSum, balancing.pcgrad, balancing.RandomWeighting])
def test_the_same_seed_gives_the_same_run_to_the_bit_and_another_seed_does_not(two_digits, encoder, balancer):
    class Noisy(models.HardSharing):
        def encode(self, images):
            return nn.functional.dropout(super().encode(images), 0.3, self.training)

    def trained(seed):
        built = models.hard_sharing(encoder, two_digits)
        model = Noisy(built.encoder, built.heads)
        return run(model, two_digits, steps=6, seed=seed, balancer=balancer()), weights_of(model)

    before = torch.get_rng_state()
    (first, one), (again, two), (_, other) = trained(1), trained(1), trained(2)
    assert torch.equal(torch.get_rng_state(), before)
    assert [step.losses for step in first.steps] == [step.losses for step in again.steps]
    assert same(one, two)
    assert not same(one, other)


def test_two_runs_that_take_turns_are_as_if_alone(two_digits, encoder):
    def trained(turns):
        made = [models.hard_sharing(encoder, two_digits) for _ in range(turns)]
        runs = [train(model, two_digits.train, steps=4, batch_size=32, balancer=balancing.RandomWeighting()) for model in made]
        for _ in zip(*runs, strict=True):
            torch.rand(3)  # somebody else's chance, in between
        return weights_of(made[-1])

    assert same(trained(1), trained(2))


def test_epochs_and_steps_count_the_same_updates(two_digits, encoder):
    by_epochs, by_steps = (models.hard_sharing(encoder, two_digits) for _ in range(2))
    first, second = run(by_epochs, two_digits, epochs=2), run(by_steps, two_digits, steps=20)
    assert [step.epoch for step in first.steps] == [1] * 10 + [2] * 10
    assert [step.number for step in first.validations] == [step.number for step in second.validations] == [10, 20]
    assert same(weights_of(by_epochs), weights_of(by_steps))
    assert first.stopped == "finished"


def test_the_best_weights_on_validation_come_back(two_digits, shared):
    seen = {}

    def choose(now, first, tasks):
        seen[len(seen) + 1] = weights_of(shared)
        return -abs(len(seen) - 3)  # the third validation is the best

    history = run(shared, two_digits, steps=12, validate_every=2, choose=choose)
    assert len(seen) == 6
    assert history.best_step == 6
    assert same(weights_of(shared), seen[3])
    assert history.best == history.steps[5].validation == evaluate(shared, two_digits.val)


def test_early_stopping_waits_for_so_many_validations(two_digits, shared):
    worse_and_worse = itertools.count(0, -1)
    history = run(shared, two_digits, steps=50, validate_every=2, patience=3, choose=lambda *_: next(worse_and_worse))
    assert len(history.steps) == 8
    assert history.best_step == 2
    assert history.stopped == "stopped early: 3 validations without progress"


def test_choosers(two_digits, shared):
    validation = evaluate(shared, two_digits.val)
    assert metric_of("right")(validation, validation, two_digits.tasks) == validation.metrics["right"]
    assert lowest_loss(validation, validation, two_digits.tasks) == -sum(validation.losses.values())
    history = History()
    with pytest.raises(ValueError, match=r"cannot choose by task 'up'; the tasks are \['left', 'right'\]"):
        run(shared, two_digits, steps=3, choose=metric_of("up"), history=history)
    assert history.steps == []  # told before the first update, not at the first validation
    with pytest.raises(ValueError, match=r"cannot choose by task 'up'"):
        metric_of("up")(validation, validation, two_digits.tasks)


NAN = float("nan")


def test_the_mean_metric_is_taken_of_metrics_without_a_unit_only():
    accuracies = [classification("left", 2), classification("right", 2)]
    now, first = Evaluation(metrics={"left": 0.5, "right": 0.9}), Evaluation(metrics={"left": 0.1, "right": 0.2})
    assert mean_improvement(now, first, accuracies) == pytest.approx(0.7)
    assert mean_improvement(now, first, [regression("left")]) == -0.5
    # Pixels and metres share "mean absolute error", but no unit: each counts relative to its own first value.
    pixels, metres = regression("left", 2), pixel_regression("right")
    start = Evaluation(metrics={"left": 5.0, "right": 1.0})
    tenth, half = (Evaluation(metrics={"left": left, "right": right}) for left, right in ((4.5, 1.0), (5.0, 0.5)))
    assert mean_improvement(tenth, start, [pixels, metres]) == pytest.approx(5)
    assert mean_improvement(half, start, [pixels, metres]) == pytest.approx(25)


def test_the_lowest_loss_counts_the_tasks_that_have_labels(two_digits):
    some = Evaluation(losses={"left": 0.5, "right": NAN})
    assert lowest_loss(some, some, two_digits.tasks) == -0.5
    none = Evaluation(losses={"left": NAN, "right": NAN})
    with pytest.raises(ValueError, match=r"no task has a label in the validation split"):
        lowest_loss(none, none, two_digits.tasks)


def test_a_score_that_is_no_number_is_told(two_digits, shared):
    unlabelled = [(i, t | {"right": torch.full_like(t["right"], MISSING_CLASS)}) for i, t in two_digits.val.batches(40)]
    with pytest.raises(
        ValueError, match=r"score is not a number: a task that `choose` looks at has no label in the validation"
    ):
        run(shared, two_digits, steps=2, val=unlabelled, choose=metric_of("right"))
    assert run(shared, two_digits, steps=2, val=unlabelled, choose=lowest_loss).best_step == 2
    for nothing in (None, "good"):
        with pytest.raises(ValueError, match=rf"`choose` must return a number, not {nothing!r}"):
            run(shared, two_digits, steps=1, choose=lambda *_, answer=nothing: answer)
    history = run(shared, two_digits, steps=2, choose=lambda *_: -math.inf)
    with pytest.raises(ValueError, match=r"no validation of this run was chosen as the best"):
        _ = history.best


def test_a_schedule_advances_with_every_update(two_digits, shared):
    made, rates = [], []

    def optimizer(groups):
        made.append(sgd(groups))
        return made[0]

    for _ in train(shared, two_digits, steps=4, optimizer=optimizer, schedule=lambda o: StepLR(o, 2, gamma=0.1)):
        rates.append(made[0].param_groups[0]["lr"])
    assert rates == pytest.approx([0.1, 0.01, 0.01, 0.001])


def test_a_penalty_is_added_to_what_is_descended(two_digits, encoder):
    plain, decayed = (models.hard_sharing(encoder, two_digits) for _ in range(2))
    run(plain, two_digits.train, steps=1, optimizer=lambda groups: torch.optim.SGD(groups, lr=0.1))
    start = models.hard_sharing(encoder, two_digits).state_dict()
    run(decayed, two_digits.train, steps=1, optimizer=lambda groups: torch.optim.SGD(groups, lr=0.1), penalty=L2(0.5))
    name = "heads.left.weight"
    torch.testing.assert_close(plain.state_dict()[name] - decayed.state_dict()[name], 0.1 * 0.5 * start[name])


@pytest.mark.parametrize("as_loader", [True, False])
def test_any_batches_can_be_trained_on(two_digits, encoder, as_loader):
    ours, theirs = (models.hard_sharing(encoder, two_digits) for _ in range(2))
    batches = DataLoader(two_digits.train, batch_size=32) if as_loader else list(two_digits.train.batches(32))
    more = {} if as_loader else {"tasks": two_digits.tasks}
    val = DataLoader(two_digits.val, batch_size=40)
    later_is_better = itertools.count()
    history = run(ours, batches, epochs=2, val=val, optimizer=sgd, choose=lambda *_: next(later_is_better), **more)
    optimizer = sgd(theirs.parameters())
    for images, targets in [*two_digits.train.batches(32)] * 2:
        optimizer.zero_grad()
        outputs = theirs(images)
        sum(task.loss(outputs[task.name], targets[task.name]) for task in two_digits.tasks).backward()
        optimizer.step()
    assert len(history.steps) == 20
    assert len(history.validations) == 2
    for one, two in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-3)


def test_batches_that_can_be_read_only_once_are_told(two_digits, shared):
    once = iter(list(two_digits.train.batches(160)))
    with pytest.raises(ValueError, match=r"no batch with a label in epoch 2: give a list or a DataLoader"):
        run(shared, once, epochs=2, tasks=two_digits.tasks)
    with pytest.raises(ValueError, match=r"no task has a label in the validation split.*not a generator"):
        run(shared, two_digits.train, steps=2, val=two_digits.val.batches(40), validate_every=1)
    with pytest.raises(ValueError, match=r"the training data gave no batch with a label"):
        run(shared, [], steps=2, tasks=two_digits.tasks)


class InterruptIn(balancing.WeightedSum):
    def __init__(self, step):
        super().__init__()
        self.left = step

    def backward(self, losses, model):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return super().backward(losses, model)


def test_an_interruption_leaves_the_history_and_a_usable_model(two_digits, shared, encoder):
    history = run(shared, two_digits.train, steps=10, balancer=InterruptIn(4))
    assert len(history.steps) == 3
    assert history.stopped == "interrupted in step 4"
    straight = models.hard_sharing(encoder, two_digits)
    run(straight, two_digits.train, steps=3)
    assert same(weights_of(shared), weights_of(straight))
    assert evaluate(shared, two_digits.val) == evaluate(straight, two_digits.val)


def test_an_interruption_during_validation_leaves_the_best_weights(two_digits, shared):
    kept = []

    def choose(now, first, tasks):
        if kept:
            raise KeyboardInterrupt
        kept.append(weights_of(shared))
        return 0.0

    history = run(shared, two_digits, steps=10, validate_every=2, choose=choose)
    assert (len(history.steps), history.best_step) == (3, 2)
    assert same(weights_of(shared), kept[0])


def test_whoever_drives_the_loop_may_stop_and_close(two_digits, shared):
    history = History()
    steps = train(shared, two_digits, steps=10, batch_size=32, validate_every=2, history=history)
    for step in steps:
        if step.number == 2:
            best = weights_of(shared)
        if step.number == 3:
            steps.close()
    assert history.stopped == "stopped after step 3"
    assert len(history.steps) == 3
    assert same(weights_of(shared), best)


class Spoiled(models.HardSharing):
    """Gives nonsense for `right` from some forward pass in training on."""

    passes = 0

    def decode(self, features):
        outputs = super().decode(features)
        self.passes += self.training
        if self.passes >= 4:
            outputs["right"] = outputs["right"] * self.nonsense
        return outputs


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf")])
@pytest.mark.parametrize("validated", [True, False])
def test_a_loss_that_is_not_finite_names_task_and_step_and_spoils_nothing(two_digits, shared, encoder, nonsense, validated):
    model = Spoiled(shared.encoder, shared.heads)
    model.nonsense, history = nonsense, History()
    source = two_digits if validated else two_digits.train
    with pytest.raises(NonFiniteLossError, match=r"the loss of task 'right' became (nan|inf) in step 4"):
        run(model, source, steps=10, validate_every=2, history=history)
    assert len(history.steps) == 3
    assert "failed in step 4" in history.stopped
    straight = models.hard_sharing(encoder, two_digits)
    run(straight, two_digits.train, steps=2 if validated else 3)
    assert same(weights_of(model), weights_of(straight))


def test_an_image_that_is_not_finite_spoils_no_running_mean(two_digits):
    model = models.hard_sharing(models.small_cnn, two_digits)
    batches = list(two_digits.train.batches(32))
    batches[2][0][5, 0, 3, 3] = float("nan")
    with pytest.raises(ValueError, match=r"a batch's images hold values that are not finite"):
        run(model, batches, steps=5, tasks=two_digits.tasks)
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


def test_gradients_that_are_not_finite_are_named_as_the_cause(two_digits, shared):
    class RootOfZero(models.HardSharing):
        def decode(self, features):
            outputs = super().decode(features)
            return {**outputs, "right": outputs["right"] + (outputs["right"] * 0).sqrt()}  # finite; its gradient is not

    with pytest.raises(NonFiniteLossError, match=r"nan in step 2, because the gradients in step 1 were not finite"):
        run(RootOfZero(shared.encoder, shared.heads), two_digits.train, steps=3)


def test_a_penalty_that_is_not_finite_spoils_nothing(two_digits, shared):
    before = weights_of(shared)
    with pytest.raises(NonFiniteLossError, match=r"the penalty became nan in step 1"):
        run(shared, two_digits.train, steps=3, penalty=lambda model: L2(1.0)(model) * float("nan"))
    assert same(weights_of(shared), before)


def test_a_task_without_labels_in_a_batch_leaves_the_others_to_train(two_digits, shared):
    images, targets = next(two_digits.train.batches(32))
    nothing = torch.full((32,), MISSING_CLASS)
    history = run(
        shared,
        [(images, targets), (images, targets | {"right": nothing}), (images, {"left": nothing, "right": nothing})],
        epochs=1,
        tasks=two_digits.tasks,
    )
    assert len(history.steps) == 2
    assert math.isnan(history.steps[1].losses["right"])
    assert math.isnan(history.steps[1].weights["right"])
    assert math.isfinite(history.steps[1].losses["left"])


def test_images_without_any_label_for_the_tasks_are_left_out(digits, encoder):
    few = datasets.with_few_labels(digits.train, "digit", 8)
    model = models.single_task(encoder, digits, "digit")
    history = run(model, few, steps=3, batch_size=8, tasks=digits.tasks[:1])
    assert [step.epoch for step in history.steps] == [1, 2, 3]
    assert all(math.isfinite(step.losses["digit"]) for step in history.steps)


def test_a_split_without_any_label_for_a_task_is_refused(two_digits):
    with pytest.raises(ValueError, match=r"task 'right' .* every label is missing"):
        two_digits.train.with_targets(right=torch.full((320,), MISSING_CLASS))


def one_batch(**targets):
    images = torch.zeros(4, 1, 28, 28)
    return [(images, {"left": torch.zeros(4, dtype=torch.int64), "right": torch.zeros(4, dtype=torch.int64)} | targets)]


BATCHES = [
    (one_batch(left=torch.full((4,), 12)), "task 'left' .* class label 12 is out of range: expected 0 to 9"),
    (one_batch(left=torch.zeros(4)), "task 'left' .* signed whole numbers .* not torch.float32"),
    (one_batch(right=torch.zeros(3, dtype=torch.int64)), r"task 'right' .* shape \(4,\), not \(3,\)"),
    (one_batch(right=[0, 1, 2, 3]), "task 'right' .* must be a torch.Tensor, not list"),
    ([(torch.zeros(4, 1, 28, 28), {"left": torch.zeros(4, dtype=torch.int64)})], "the batch has no targets for task 'right'"),
    (
        [(torch.zeros(4, 1, 28, 28), torch.zeros(4))],
        r"a batch must be a pair \(images, \{task: targets\}\), not a tuple of Tensor, T",
    ),
    ([torch.zeros(4, 1, 28, 28)], "a batch must be a pair .* not a torch.float32 tensor"),
    ([(torch.zeros(4, 1, 28, 28, dtype=torch.uint8), one_batch()[0][1])], "a MultiTaskDataset turns uint8 images into them"),
    ([(torch.zeros(4), one_batch()[0][1])], r"a batch's images must be a tensor \[n, C, H, W\], not of shape \(4,\)"),
    ([(torch.full((4, 1, 28, 28), float("nan")), one_batch()[0][1])], r"images hold values that are not finite \(NaN or inf"),
    ([(torch.full((4, 1, 28, 28), -math.inf), one_batch()[0][1])], r"images hold values that are not finite \(NaN or inf"),
]


@pytest.mark.parametrize(("batches", "message"), BATCHES)
def test_batches_that_do_not_fit_are_told(batches, message, two_digits, shared):
    before = weights_of(shared)
    for attempt in (
        lambda: run(shared, batches, steps=1, tasks=two_digits.tasks),
        lambda: evaluate(shared, batches, tasks=two_digits.tasks),
    ):
        with pytest.raises(ValueError, match=message):
            attempt()
    assert same(weights_of(shared), before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_images_of_other_precision_are_taken(dtype, two_digits, shared):
    batches = [(images.to(dtype), targets) for images, targets in two_digits.train.batches(160)]
    history = run(shared, batches, epochs=1, tasks=two_digits.tasks, val=batches)
    assert len(history.steps) == 2


def test_large_values_are_finite_values(two_digits):
    images = torch.full((4, 1, 28, 28), 3e38)  # whose sum is not
    targets = {"left": torch.zeros(4, dtype=torch.int64), "right": torch.zeros(4, dtype=torch.int64)}
    assert len(list(checked_batches([(images, targets)], two_digits.tasks))) == 1


def larger(split):
    return MultiTaskDataset(torch.zeros(len(split), 1, 32, 32, dtype=torch.uint8), split.targets, split.tasks)


WRONG = [
    (lambda d: {}, "say how long to train: either epochs=… or steps=…"),
    (lambda d: {"epochs": 1, "steps": 1}, "and only one of them"),
    (lambda d: {"epochs": 0}, "epochs must be a whole number above zero, not 0"),
    (lambda d: {"epochs": "3"}, "epochs must be a whole number above zero, not '3'"),
    (lambda d: {"steps": -1}, "steps must be a whole number above zero, not -1"),
    (lambda d: {"steps": 1.5}, "steps must be a whole number above zero, not 1.5"),
    (lambda d: {"epochs": 1, "batch_size": 0}, "batch size must be a whole number above zero, not 0"),
    (lambda d: {"steps": 1, "validate_every": 0}, "validate_every must be a whole number above zero"),
    (lambda d: {"steps": 1, "patience": -1}, "patience must be a whole number above zero"),
    (lambda d: {"steps": 1, "seed": 0.5}, "a seed must be a whole number, not 0.5"),
    (lambda d: {"steps": 1, "data": d.train, "patience": 2}, "early stopping .* needs a validation split"),
    (lambda d: {"steps": 1, "optimizer": sgd([torch.zeros(1)])}, "optimizer= takes a function that makes one, .* not a SGD"),
    (lambda d: {"steps": 1, "balancer": balancing.pcgrad}, r"balancer= takes a balancer, such as WeightedSum\(\)"),
    (lambda d: {"steps": 1, "val": d}, r"one split is needed, and 'MultiMNIST' has three: name its .val"),
    (lambda d: {"steps": 1, "val": d.val.for_tasks("left")}, "the validation split has no task 'right'"),
    (lambda d: {"steps": 1, "val": larger(d.val)}, r"validation images are \(1, 32, 32\), training images \(1, 28, 28\)"),
    (
        lambda d: {"steps": 1, "val": d.val.with_normalization(Normalization((0.5,), (0.5,)))},
        r"normalized by other numbers than the training split.*with_normalization\(training\.normalization\)",
    ),
    (lambda d: {"steps": 1, "data": d.for_tasks("left")}, "the model has a head for 'right', but the data have no such task"),
    (
        lambda d: {"steps": 1, "data": d.train.with_task(classification("sum", 20), d.train.targets["left"])},
        "no head for task 'sum'",
    ),
    (lambda d: {"steps": 1, "data": [1, 2]}, "list does not say which tasks it has; name them in `tasks=`"),
    (lambda d: {"steps": 1, "tasks": ["left", "right"]}, "expected tasks such as .* not 'left'"),
    (lambda d: {"steps": 1, "tasks": []}, "at least one task is needed"),
    (
        lambda d: {"steps": 1, "tasks": [classification("left", 5), classification("right", 5)]},
        r"task 'left' .* class label \d is out of range: expected 0 to 4",
    ),
    (lambda d: {"steps": 1, "tasks": [regression("left"), regression("right")]}, r"task 'left' .* must have shape \(320, 1\)"),
    (
        lambda d: {"steps": 1, "data": d.train.with_targets(right=d.train.targets["right"] % 5), "val": more_classes(d.val)},
        r"task 'right' .* class label \d\d is out of range: expected 0 to 9",
    ),
    (lambda d: {"steps": 1, "device": "gpu"}, r"device must be such as 'cuda', 'mps' or 'cpu', not 'gpu'"),
    (lambda d: {"steps": 1, "device": 3.5}, r"device must be such as 'cuda', 'mps' or 'cpu', not 3.5"),
    (lambda d: {"steps": 1, "device": "cuda:99"}, r"there is no device 'cuda:99' here; leave `device` out"),
    (lambda d: {"steps": 1, "penalty": 0.1}, r"penalty= takes a function of the model, such as L2\(0.0001\), not 0.1"),
    (lambda d: {"steps": 1, "penalty": lambda model: 0.0}, r"the penalty must return one number as a tensor .*, not 0.0"),
    (lambda d: {"steps": 1, "penalty": lambda model: torch.ones(2)}, r"the penalty must return one number as a tensor"),
    (lambda d: {"steps": 1, "penalty": lambda model: torch.ones(())}, r"the penalty does not depend on the model's parameters"),
    (lambda d: {"steps": 1, "choose": "left"}, r"choose= takes a function, such as .* metric_of\('left'\), not 'left'"),
    (lambda d: {"steps": 1, "history": []}, r"history= takes an empty record, History\(\), not \[\]"),
    (lambda d: {"steps": 1, "optimizer": lambda groups: None}, r"optimizer= must make a torch.optim.Optimizer, not None"),
    (
        lambda d: {"steps": 1, "data": three_channels(d.train)},
        r"cannot answer for images of shape \(32, 3, 28, 28\): .*channels",
    ),
]


def more_classes(split):
    return MultiTaskDataset(
        split.images,
        split.targets | {"right": split.targets["right"] + 10},
        [split.tasks[0], classification("right", 20)],
        normalization=split.normalization,
    )


def three_channels(split):
    return MultiTaskDataset(split.images.expand(-1, 3, -1, -1), split.targets, split.tasks)


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_does_not_fit_is_told_before_the_first_update(arguments, message, two_digits, shared):
    before, history = weights_of(shared), History()
    with pytest.raises(ValueError, match=message):
        run(
            shared,
            **(
                {"source": two_digits, "history": history}
                | {"source" if k == "data" else k: v for k, v in arguments(two_digits).items()}
            ),
        )
    assert same(weights_of(shared), before)
    assert history.steps == []


def test_a_history_of_another_run_is_not_mixed_with_a_new_one(two_digits, shared):
    history = run(shared, two_digits, steps=2)
    with pytest.raises(ValueError, match=r"history= takes an empty record, this one has 2 steps already"):
        run(shared, two_digits, steps=2, history=history)
    assert len(history.steps) == 2


def test_models_that_give_something_else_are_told(two_digits):
    class Lame(nn.Module):
        def __init__(self, answer):
            super().__init__()
            self.answer, self.layer = answer, nn.Linear(784, 10)

        def forward(self, images):
            return self.answer(self.layer(images.flatten(1)))

    with pytest.raises(ValueError, match=r"must return a dictionary \{task: output\}, not Tensor"):
        run(Lame(lambda output: output), two_digits, steps=1)
    with pytest.raises(ValueError, match=r"the model gave no output for task 'right'; it gave outputs for \['left'\]"):
        run(Lame(lambda output: {"left": output}), two_digits, steps=1)
    with pytest.raises(ValueError, match=r"task 'left' .* the output must have shape \(32, 10\), not \(32, 9\)"):
        run(Lame(lambda output: {"left": output[:, :9], "right": output}), two_digits, steps=1)


def test_what_evaluation_cannot_use_is_told(two_digits, shared):
    with pytest.raises(ValueError, match=r"task 'right' .* class label \d\d is out of range: expected 0 to 9"):
        evaluate(shared, more_classes(two_digits.val), tasks=two_digits.tasks)
    for function in (evaluate, predict):
        with pytest.raises(ValueError, match=r"cannot answer for images of shape \(80, 3, 28, 28\): .*channels"):
            function(shared, three_channels(two_digits.val))
        for nothing in (None, lambda images: images):
            with pytest.raises(ValueError, match=r"the model must be a torch.nn.Module, not "):
                function(nothing, two_digits.val)
    with pytest.raises(ValueError, match=r"list does not say which tasks it has"):
        predict(shared, list(two_digits.val.batches(40)))
    with pytest.raises(ValueError, match=r"must return a dictionary \{task: output\}, not Tensor"):
        predict(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), two_digits.val)
    with pytest.raises(ValueError, match=r"device must be such as"):
        evaluate(shared, two_digits.val, device="gpu")


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_chance_on_an_accelerator_is_ones_own_as_well(kind, monkeypatch):
    # A generator of our own stands for the accelerator's.
    generator, where = torch.Generator().manual_seed(77), getattr(torch, kind)
    monkeypatch.setattr(where, "get_rng_state", lambda *_: generator.get_state())
    monkeypatch.setattr(where, "set_rng_state", lambda state, *_: generator.set_state(state))
    monkeypatch.setattr(where, "manual_seed", generator.manual_seed)
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())
    before, expected = generator.get_state(), torch.rand(4, generator=torch.Generator().manual_seed(5))
    own = RandomState(5, torch.device(kind))
    assert torch.equal(generator.get_state(), before)
    drawn = []
    for _ in range(2):
        with own:
            drawn.append(torch.rand(2, generator=generator))
        assert torch.equal(generator.get_state(), before)
    assert torch.equal(torch.cat(drawn), expected)


@pytest.mark.parametrize("model", [None, lambda images: images])
def test_a_model_that_is_no_module_is_told(model, two_digits):
    with pytest.raises(ValueError, match=r"the model must be a torch.nn.Module, not "):
        run(model, two_digits, steps=1)


def test_a_models_own_errors_are_not_hidden(two_digits):
    class Own(models.HardSharing):
        def encode(self, images):
            raise self.error

    built = models.hard_sharing(models.lenet, two_digits)
    model = Own(built.encoder, built.heads)
    for model.error in (torch.OutOfMemoryError("no room"), NotImplementedError("later"), KeyError("mine")):
        for attempt in (lambda: run(model, two_digits, steps=1), lambda: evaluate(model, two_digits.val)):
            with pytest.raises(type(model.error)) as caught:
                attempt()
            assert caught.value is model.error
    model.error = RuntimeError("mine")
    with pytest.raises(ValueError, match=r"cannot answer for images of shape \(32, 1, 28, 28\): mine") as caught:
        run(model, two_digits, steps=1)
    assert caught.value.__cause__ is model.error


def test_a_frozen_model_is_told(two_digits, shared):
    with pytest.raises(ValueError, match=r"there is nothing to train: .* requires_grad=False"):
        run(shared.requires_grad_(False), two_digits, steps=1)


def test_batch_norm_with_one_image_is_told(two_digits):
    model = models.nddr(models.lenet, two_digits)
    with pytest.raises(ValueError, match=r"batch norm, which cannot learn from a batch of one image: .*drop_last=True"):
        run(model, two_digits, steps=1, batch_size=1)


def test_a_plain_module_trains_too(two_digits):
    class Plain(nn.Linear):
        def forward(self, images):
            return dict.fromkeys(("left", "right"), super().forward(images.flatten(1)))

    history = run(Plain(784, 10), two_digits, epochs=1)
    assert history.best.metrics["left"] == history.validations[0].validation.metrics["left"]


def test_the_history_becomes_tables(two_digits, shared):
    history = run(shared, two_digits, steps=4, validate_every=2)
    table, validations = history.table(), history.validation_table()
    assert list(table.columns) == ["epoch", "loss left", "loss right", "weight left", "weight right"]
    assert list(table.index) == [1, 2, 3, 4]
    assert table["loss left"].tolist() == [step.losses["left"] for step in history.steps]
    assert list(validations.index) == [2, 4]
    assert validations["metric right"].tolist() == [step.validation.metrics["right"] for step in history.validations]
    assert repr(history).startswith("History(4 steps in ")
    assert history.tasks == ["left", "right"]


def test_an_empty_history_is_empty():
    assert History().table().empty
    assert History().validation_table().empty
    assert History().tasks == []
    with pytest.raises(ValueError, match=r"never validated"):
        _ = History().best


def test_evaluating_in_batches_is_evaluating_at_once(every_kind, encoder):
    tasks = every_kind.tasks[:2]
    split = every_kind.for_tasks("kind", "place").with_targets(
        kind=torch.where(torch.arange(24) % 3 == 0, MISSING_CLASS, every_kind.targets["kind"])
    )
    model = models.hard_sharing(encoder, split)
    outputs = predict(model, split, batch_size=7)
    for size in (5, 24):
        found = evaluate(model, split, batch_size=size)
        for task in tasks:
            assert found.losses[task.name] == pytest.approx(
                task.loss(outputs[task.name], split.targets[task.name]).item(), rel=1e-5
            )
    labelled = split.targets["kind"] != MISSING_CLASS
    right = (outputs["kind"].argmax(1) == split.targets["kind"])[labelled].double().mean().item()
    assert found.metrics["kind"] == pytest.approx(right)
    assert found.metrics["place"] == pytest.approx((outputs["place"] - split.targets["place"]).abs().mean().item(), rel=1e-5)


@pytest.mark.parametrize(("mode", "encoder_mode"), [(True, True), (False, False), (True, False), (False, True)])
def test_evaluating_leaves_the_model_as_it_was(two_digits, mode, encoder_mode):
    model = models.hard_sharing(models.small_cnn, two_digits).train(mode)
    model.encoder.train(encoder_mode)
    before, modes = weights_of(model), [module.training for module in model.modules()]
    evaluate(model, two_digits.val)
    predict(model, two_digits.val)
    hook = model.heads["right"].register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate(model, two_digits.val)
    hook.remove()
    assert [module.training for module in model.modules()] == modes
    assert same(weights_of(model), before)
    for function in (evaluate, predict):
        with pytest.raises(ValueError, match=r"one split is needed, and 'MultiMNIST' has three"):
            function(model, two_digits)


def test_a_part_in_evaluation_mode_stays_so_while_the_rest_trains(two_digits):
    model = models.hard_sharing(models.small_cnn, two_digits).train()
    model.encoder.eval().requires_grad_(False)
    before = weights_of(model.encoder)
    for step in train(model, two_digits, steps=4, batch_size=32, validate_every=1):
        assert (model.training, model.encoder.training) == (True, False), step
    assert same(weights_of(model.encoder), before)


def test_a_model_in_evaluation_mode_is_trained_as_a_whole(two_digits):
    model = models.hard_sharing(models.small_cnn, two_digits).eval()
    before = weights_of(model.encoder)
    for step in train(model, two_digits, steps=2, batch_size=32):
        assert all(module.training for module in model.modules()), step
    assert not same(weights_of(model.encoder), before)


def test_chance_inside_is_ones_own_and_outside_untouched():
    before = torch.get_rng_state()
    own = RandomState(5)
    with own:
        first = torch.rand(2)
    with pytest.raises(RuntimeError, match=r"^oops$"), own:
        second = torch.rand(2)
        raise RuntimeError("oops")
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(5):
        assert torch.equal(torch.rand(4), torch.cat([first, second]))
    for seed in ("1", 1.0, True, None):
        with pytest.raises(ValueError, match=r"a seed must be a whole number"):
            randomness.generator(seed)


def test_the_progress_bar_stays_out_of_the_way(two_digits, shared, capfd):
    fit(shared, two_digits.train, epochs=1)  # without a validation, whose metrics take seconds to import
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("as_data_set", [True, False])
def test_the_progress_bar_counts_the_updates_that_there_will_be(digits, encoder, monkeypatch, as_data_set):
    import tqdm.auto

    totals = []

    class Bar(tqdm.auto.tqdm):
        def __init__(self, *arguments, **named):
            totals.append(named["total"])
            super().__init__(*arguments, **named)

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    few = datasets.with_few_labels(digits.train, "digit", 17)
    source = digits.with_train(few) if as_data_set else few
    model = models.single_task(encoder, digits, "digit")
    history = fit(model, source, epochs=3, batch_size=8, tasks=digits.tasks[:1])
    assert totals == [len(history.steps)] == [6]
