"""Cosines between tasks' gradients, part by part, with their control."""

import pytest
import torch

from mtl_utils import balancing, models
from mtl_utils.analysis import WHOLE, measure_conflict
from mtl_utils.analysis.gradient_cosine import gradient_cosine


@pytest.fixture
def batches(two_digits):
    return two_digits.train.batch(slice(0, 64)), two_digits.train.batch(slice(64, 128))


def test_the_cosines_are_those_of_the_jacobian_as_a_whole_and_part_by_part(two_digits, shared, batches):
    found = measure_conflict(shared, *batches, two_digits.tasks)
    images, targets = batches[0]
    outputs = shared.eval()(images)
    losses = {task.name: task.loss(outputs[task.name], targets[task.name]) for task in two_digits.tasks}
    jacobian, _ = balancing.task_gradients(losses, shared)
    expected = {WHOLE: jacobian}
    start = 0
    for part in shared.parts():
        if len(part.tasks) > 1:
            expected[part.name] = jacobian[:, start : start + part.size]
            start += part.size
    pairs = {each.where: each.cosine for each in found if each.same_batch}
    assert set(pairs) == set(expected) == {WHOLE, "encoder.conv", "encoder.dense"}
    for where, rows in expected.items():
        assert pairs[where] == pytest.approx(float(gradient_cosine(rows)[0, 1]), abs=1e-5)


def test_the_control_compares_a_task_with_itself_on_other_images(two_digits, shared, batches):
    found = measure_conflict(shared, *batches, two_digits.tasks)
    kinds = {(each.first, each.second, each.same_batch) for each in found}
    assert kinds == {("left", "left", False), ("right", "right", False), ("left", "right", True), ("left", "right", False)}
    same = measure_conflict(shared, batches[0], batches[0], two_digits.tasks)
    assert all(each.cosine == pytest.approx(1, abs=1e-5) for each in same if each.first == each.second)
    on_one, on_two = ([e.cosine for e in same if e.first != e.second and e.same_batch == one] for one in (True, False))
    assert on_one == pytest.approx(on_two, abs=1e-5)


def test_the_model_stays_as_it_was(two_digits, shared, batches):
    shared.train()
    shared.encoder.dense.eval()
    gradient = torch.ones_like(shared.heads["left"].weight)
    shared.heads["left"].weight.grad = gradient
    chance = torch.get_rng_state()
    measure_conflict(shared, *batches, two_digits.tasks)
    assert shared.training
    assert not shared.encoder.dense.training
    assert shared.heads["left"].weight.grad is gradient
    assert shared.heads["right"].weight.grad is None
    assert torch.equal(chance, torch.get_rng_state())


def test_frozen_parts_and_tasks_without_labels_are_left_out(two_digits, shared, batches):
    shared.encoder.conv.requires_grad_(False)
    batches[1][1]["right"].fill_(-100)
    found = measure_conflict(shared, *batches, two_digits.tasks)
    assert {each.where for each in found} == {WHOLE, "encoder.dense"}
    assert {each.second for each in found} == {"left"}


def test_bad_input_is_told(two_digits, shared, batches, encoder):
    with pytest.raises(ValueError, match="this SeparateNetworks shares nothing that learns, so its tasks cannot conflict"):
        measure_conflict(models.separate_networks(encoder, two_digits), *batches, two_digits.tasks)
    for name in ("left", "right"):
        batches[0][1][name].fill_(-100)
    with pytest.raises(ValueError, match="no task has labels in both batches"):
        measure_conflict(shared, *batches, two_digits.tasks)
