"""Batches with missing labels, that can be read once only, of other precision, or of the wrong shape."""

import math

import pytest
import torch
from short_runs import run, same, weights_of

from mtl_utils import datasets, models
from mtl_utils.datasets.batches import checked_batches
from mtl_utils.evaluation import evaluate
from mtl_utils.tasks import MISSING_CLASS


def test_batches_that_can_be_read_only_once_are_told(two_digits, shared):
    once = iter(list(two_digits.train.batches(160)))
    with pytest.raises(ValueError, match=r"no batch with a label in epoch 2: give a list or a DataLoader"):
        run(shared, once, epochs=2, tasks=two_digits.tasks)
    with pytest.raises(ValueError, match=r"no task has a label in the validation split.*not a generator"):
        run(shared, two_digits.train, steps=2, val=two_digits.val.batches(40), validate_every=1)
    with pytest.raises(ValueError, match=r"the training data gave no batch with a label"):
        run(shared, [], steps=2, tasks=two_digits.tasks)


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
