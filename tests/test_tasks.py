"""Tasks: losses and metrics by value, missing labels, and misfits told in words."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from mtl_utils.tasks import MISSING_CLASS, Task, check_tasks, classification, pixel_classification, pixel_regression, regression

NAN = float("nan")


def test_a_classification_loss_is_the_cross_entropy_by_hand():
    output = torch.tensor([[0.0, math.log(3)], [math.log(4), 0.0]])
    loss = classification("a", 2).loss(output, torch.tensor([1, 1]))
    assert loss.item() == pytest.approx((-math.log(3 / 4) - math.log(1 / 5)) / 2)


@pytest.mark.parametrize(("name", "expected"), [("mse", (1 + 9) / 2), ("l1", 2.0), ("smooth l1", (0.5 + 2.5) / 2)])
def test_regression_losses_by_hand(name, expected):
    loss = regression("a", loss=name).loss(torch.tensor([[1.0], [5.0]]), torch.tensor([[2.0], [2.0]]))
    assert loss.item() == pytest.approx(expected)


def test_missing_labels_reach_neither_loss_nor_metric():
    task, output = classification("a", 3), torch.randn(6, 3)
    target = torch.tensor([0, MISSING_CLASS, 2, 1, MISSING_CLASS, 0])
    present = target != MISSING_CLASS
    assert torch.equal(task.labelled(target), present)
    torch.testing.assert_close(task.loss(output, target), F.cross_entropy(output[present], target[present]))
    metric = task.metric()
    task.update_metric(metric, output, target)
    assert metric.compute().item() == pytest.approx((output.argmax(1) == target)[present].double().mean().item())


def test_missing_values_reach_neither_loss_nor_metric_nor_gradient():
    task = regression("a", 2)
    output = torch.tensor([[1.0, 5.0], [3.0, 7.0]], requires_grad=True)
    target = torch.tensor([[2.0, NAN], [NAN, 4.0]])
    loss = task.loss(output, target)
    loss.backward()
    assert loss.item() == pytest.approx((1 + 9) / 2)
    assert output.grad.tolist() == [[-1.0, 0.0], [0.0, 3.0]]
    metric = task.metric()
    task.update_metric(metric, output.detach(), target)
    task.update_metric(metric, output.detach(), torch.full((2, 2), NAN))
    assert metric.compute().item() == pytest.approx((1 + 3) / 2)


def test_mean_iou_of_pixels_by_hand():
    task = pixel_classification("a", 2)
    output = F.one_hot(torch.tensor([[[0, 0], [1, 1]]]), 2).movedim(-1, 1).float()
    metric = task.metric()
    task.update_metric(metric, output, torch.tensor([[[0, 1], [1, MISSING_CLASS]]]))
    assert metric.compute().item() == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_losses_per_pixel_have_the_right_shapes(every_kind):
    for task in every_kind.tasks:
        target = every_kind.targets[task.name]
        shape = (24, task.output_size, *target.shape[1:]) if task.is_classification else target.shape
        assert task.loss(torch.randn(shape), target).shape == ()
        assert task.is_per_pixel == (target.dim() > 2)


def test_a_loss_of_ones_own_sees_labelled_images_only():
    seen = []
    task = classification("a", 3, loss=lambda output, target: seen.append(len(target)) or output.sum())
    task.loss(torch.ones(4, 3), torch.tensor([0, MISSING_CLASS, 1, 2]))
    assert seen == [3]
    assert task.loss_name == "custom"


@pytest.mark.parametrize("loss", [lambda o, t: F.cross_entropy(o, t, reduction="none"), lambda o, t: 1.0, lambda o, t: None])
def test_a_loss_of_ones_own_that_gives_no_single_number_is_told(loss):
    with pytest.raises(ValueError, match=r"task 'a': its loss must return one number as a tensor, not "):
        classification("a", 3, loss=loss).loss(torch.ones(4, 3), torch.tensor([0, 1, 1, 2]))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.integers(0, 1000))
def test_missing_images_change_no_loss(classes, seed):
    task, target = classification("a", 5), torch.tensor(classes)
    output = torch.randn(len(classes), 5, generator=torch.Generator().manual_seed(seed))
    padded = torch.cat([target, torch.tensor([MISSING_CLASS] * 3)])
    torch.testing.assert_close(task.loss(torch.cat([output, torch.full((3, 5), 9.0)]), padded), task.loss(output, target))


def test_class_names_give_the_number_of_classes():
    assert classification("pet", ["cat", "dog", "fish"]).output_size == 3
    assert classification("pet", 3).class_names == ()


@pytest.mark.parametrize("name", ["", "a.b", 3, None, "training", "keys", "forward", "to"])
def test_names_that_no_head_could_have_are_refused(name):
    with pytest.raises(ValueError, match=r"a task('s name|\b.*cannot be called)"):
        classification(name, 10)


@pytest.mark.parametrize("make", [classification, regression, pixel_classification, pixel_regression])
@pytest.mark.parametrize("size", [0, -3])
def test_sizes_below_one_are_refused(make, size):
    with pytest.raises(ValueError, match=rf"task 'a': output size must be a whole number above zero, not {size}"):
        make("a", size)


def test_other_wrong_arguments_are_told():
    with pytest.raises(ValueError, match=r"needs at least 2 classes"):
        classification("a", 1)
    with pytest.raises(ValueError, match=r"output size must be a whole number above zero, not 1.5"):
        regression("a", 1.5)
    for make in (classification, pixel_classification, regression, pixel_regression):
        with pytest.raises(ValueError, match=r"task 'a': loss must be a function of output and target, or one of .*, not 'x"):
            make("a", 3, loss="x")
        with pytest.raises(
            ValueError, match=r"task 'a': metric must be a function that makes a torchmetrics metric, or one of .*, not 3"
        ):
            make("a", 3, metric=3)
    with pytest.raises(ValueError, match=r"task 'a': loss must be one of mse, l1, smooth l1, not 'cross-entropy'"):
        Task("a", "regression", 3, is_classification=False)
    for loss in ("focal", 3):
        with pytest.raises(
            ValueError, match=rf"task 'a': loss must be a function of output and target, or one of cross-entropy, not {loss!r}"
        ):
            classification("a", 10, loss=loss)
    for classes in ("cat", 10.0, {"cat": 0}):
        with pytest.raises(ValueError, match=r"classes must be their number or a list of their names"):
            classification("a", classes)
    with pytest.raises(
        ValueError, match=r"loss must be a function of output and target, or one of mse, l1, smooth l1, not 'huber'"
    ):
        regression("a", loss="huber")
    with pytest.raises(ValueError, match=r"at least one task is needed"):
        check_tasks([])
    with pytest.raises(ValueError, match=r"two tasks are called 'a'"):
        check_tasks([classification("a", 2), regression("a")])
    with pytest.raises(ValueError, match=r"expected tasks such as .* not 'left'"):
        check_tasks(["left"])


GOOD = {"a": torch.tensor([0, 1, -100]), "b": torch.tensor([[0.5], [NAN], [1.0]])}
TARGETS = [
    ([0, 1, 2], "must be a torch.Tensor, not list", "a"),
    (torch.zeros(4, dtype=torch.int64), r"must have shape \(3,\), not \(4,\)", "a"),
    (torch.zeros(3, 1, dtype=torch.int64), r"must have shape \(3,\), not \(3, 1\)", "a"),
    (torch.zeros(3), "signed whole numbers .* not torch.float32", "a"),
    (torch.zeros(3, dtype=torch.uint8), "signed whole numbers .* not torch.uint8", "a"),
    (torch.zeros(3, dtype=torch.bool), "signed whole numbers .* not torch.bool", "a"),
    (torch.tensor([0, 2, 1]), "class label 2 is out of range: expected 0 to 1", "a"),
    (torch.tensor([0, -1, 1]), "class label -1 is out of range", "a"),
    (torch.full((3,), -100), "every label is missing", "a"),
    (torch.zeros(3), r"must have shape \(3, 1\), not \(3,\)", "b"),
    (torch.zeros(3, 1, dtype=torch.int64), "must be floating point numbers, not torch.int64", "b"),
    (torch.tensor([[1.0], [float("inf")], [0.0]]), "a target is infinite; NaN marks a missing label", "b"),
    (torch.full((3, 1), NAN), "every label is missing", "b"),
]


@pytest.mark.parametrize(("target", "message", "name"), TARGETS)
def test_targets_that_do_not_fit_are_told_with_the_tasks_name(target, message, name):
    task = {"a": classification("a", 2), "b": regression("b")}[name]
    task.check_targets(GOOD[name], count=3, image_size=(5, 5))
    with pytest.raises(ValueError, match=rf"task '{name}' .*{message}"):
        task.check_targets(target, count=3, image_size=(5, 5))


def test_targets_per_pixel_are_as_large_as_the_images():
    with pytest.raises(ValueError, match=r"shape \(2, 5, 6\), not \(2, 6, 5\)"):
        pixel_classification("a", 3).check_targets(torch.zeros(2, 6, 5, dtype=torch.int64), count=2, image_size=(5, 6))
    with pytest.raises(ValueError, match=r"shape \(2, 1, 5, 6\), not \(2, 5, 6\)"):
        pixel_regression("a").check_targets(torch.zeros(2, 5, 6), count=2, image_size=(5, 6))


@pytest.mark.parametrize("shape", [(4, 2), (4,), (3, 3)])
def test_an_output_of_another_shape_is_told(shape):
    with pytest.raises(ValueError, match=r"task 'a' .* the output must have shape \(4, 3\)"):
        classification("a", 3).loss(torch.zeros(shape), torch.zeros(4, dtype=torch.int64))
