"""Pareto manifold learning, smooth Tchebycheff, and the labs on them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from functools import partial

import pytest
import torch
from ipywidgets.widgets import widget as widget_module
from PIL import Image

from mtl_utils import datasets, training
from mtl_utils.balancing import PreferenceSum, SmoothTchebycheff, WeightedSum
from mtl_utils.evaluation import evaluate, predict
from mtl_utils.lab import ConcaveFrontLab, SteerableLab
from mtl_utils.lab.views.sample_images import first_with_labels
from mtl_utils.models import ParetoManifold, hard_sharing, lenet, pareto_manifold, small_cnn
from mtl_utils.problems import ConcaveFront
from mtl_utils.tasks import Task, classification, regression

TASKS = (classification("left", 3), classification("right", 2))


def split_of(*tasks: Task, count: int = 60, seed: int = 0) -> datasets.MultiTaskDataset:
    generator = torch.Generator().manual_seed(seed)
    targets = {
        task.name: torch.randint(task.output_size, (count,), generator=generator)
        if task.is_classification
        else torch.randn(count, task.output_size, generator=generator)
        for task in tasks
    }
    return datasets.MultiTaskDataset(
        torch.randint(256, (count, 1, 20, 20), dtype=torch.uint8, generator=generator), targets, tasks
    )


@pytest.fixture(scope="module")
def split() -> datasets.MultiTaskDataset:
    return split_of(*TASKS)


@pytest.fixture
def manifold(split: datasets.MultiTaskDataset) -> ParetoManifold:
    return pareto_manifold(lambda seed: hard_sharing(lenet, split, seed=seed), seed=5).eval()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    before = set(widget_module._instances)
    yield
    assert set(widget_module._instances) == before


# The model.


def test_at_the_ends_it_is_the_end_points(manifold: ParetoManifold, split: datasets.MultiTaskDataset) -> None:
    for name, alone in manifold.end_points.items():
        manifold.preference = {other: float(other == name) for other in manifold.task_names}
        mine, theirs = predict(manifold, split), predict(alone, split)
        assert all(torch.equal(mine[each], theirs[each]) for each in mine)


def test_in_between_it_has_the_mixture_of_the_weights(manifold: ParetoManifold, split: datasets.MultiTaskDataset) -> None:
    manifold.preference = {"left": 3.0, "right": 1.0}
    assert manifold.preference == {"left": 0.75, "right": 0.25}
    mixture = hard_sharing(lenet, split)
    ends = [dict(model.named_parameters()) for model in manifold.end_points.values()]
    with torch.no_grad():
        for name, parameter in mixture.named_parameters():
            parameter.copy_(0.75 * ends[0][name] + 0.25 * ends[1][name])
    mine, expected = predict(manifold, split), predict(mixture, split)
    assert all(torch.allclose(mine[each], expected[each], atol=1e-5) for each in expected)


def test_gradients_of_a_step_are_shared_out_by_preference(manifold: ParetoManifold, split: datasets.MultiTaskDataset) -> None:
    manifold.preference = {"left": 0.75, "right": 0.25}
    images, targets = split.batch(slice(0, 8))
    losses = {task.name: task.loss(manifold(images)[task.name], targets[task.name]) for task in TASKS}
    weights = PreferenceSum().backward(losses, manifold)
    assert weights == {"left": 0.75, "right": 0.25}
    left, right = (model.encoder.conv1[0].weight.grad for model in manifold.end_points.values())
    assert torch.allclose(left / 0.75, right / 0.25, atol=1e-6)


def test_training_draws_a_new_preference_each_step_and_depends_on_the_seed_alone(split: datasets.MultiTaskDataset) -> None:
    def weights(seed: int) -> list[dict[str, float]]:
        model = pareto_manifold(lambda each: hard_sharing(lenet, split, seed=each))
        history = training.fit(
            model, split, steps=20, batch_size=16, balancer=PreferenceSum(), seed=seed, device="cpu", progress=False
        )
        return [step.weights for step in history.steps]

    first = weights(0)
    assert len({step["left"] for step in first}) == 20
    assert all(sum(step.values()) == pytest.approx(1) for step in first)
    assert min(step["left"] for step in first) < 0.3
    assert max(step["left"] for step in first) > 0.7
    assert weights(0) == first
    assert weights(1) != first


def test_concentration_moves_the_draws_to_the_middle(split: datasets.MultiTaskDataset) -> None:
    model = pareto_manifold(lambda seed: hard_sharing(lenet, split, seed=seed), concentration=500.0).train()
    images, _ = split.batch(slice(0, 2))
    for _ in range(5):
        model(images)
        assert model.preference["left"] == pytest.approx(0.5, abs=0.12)


def test_its_parts_hold_every_parameter_once(manifold: ParetoManifold) -> None:
    listed = [parameter for part in manifold.parts() for parameter in part.module.parameters()]
    assert len(listed) == len({id(parameter) for parameter in listed}) == len(list(manifold.parameters()))
    assert len(manifold.task_parameters("left")) == 2 * 2  # the head of left at both end points


def test_end_points_that_do_not_match_are_refused(split: datasets.MultiTaskDataset) -> None:
    plain = hard_sharing(lenet, split)
    wide = hard_sharing(partial(lenet, features=20), split)
    other = hard_sharing(lenet, split_of(classification("left", 3), classification("middle", 2)))
    batch_norm = partial(hard_sharing, partial(small_cnn, channels=(4, 4)), split)
    for end_points, words in (
        ({"left": plain, "right": wide}, r"task 'right' does not match the one for 'left': 'encoder.dense.1.weight'"),
        ({"left": plain, "right": other}, r"task 'right' has heads for \['left', 'middle'\]"),
        ({"left": plain}, "two tasks or more"),
        ({"left": plain, "right": plain}, "an end point of its own"),
        ({"left": batch_norm(seed=0), "right": batch_norm(seed=1)}, "batch norm"),
    ):
        with pytest.raises(ValueError, match=words):
            ParetoManifold(end_points)
    with pytest.raises(ValueError, match="concentration"):
        ParetoManifold({"left": plain, "right": hard_sharing(lenet, split, seed=1)}, concentration=0)


@pytest.mark.parametrize(
    ("preference", "words"),
    [
        ({"left": 1.0}, "one number for each of the tasks"),
        ({"left": -1.0, "right": 1.0}, "task 'left'"),
        ({"left": float("nan"), "right": 1.0}, "task 'left'"),
        ({"left": 0.0, "right": 0.0}, "all are zero"),
    ],
)
def test_bad_preferences_are_refused(manifold: ParetoManifold, preference: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        manifold.preference = preference
    assert manifold.preference == {"left": 0.5, "right": 0.5}


def test_a_model_without_preference_is_told_so(split: datasets.MultiTaskDataset) -> None:
    with pytest.raises(ValueError, match="HardSharing has no preference"):
        training.fit(hard_sharing(lenet, split), split, steps=1, balancer=PreferenceSum(), device="cpu", progress=False)
    with pytest.raises(ValueError, match="HardSharing cannot be steered"):
        SteerableLab(hard_sharing(lenet, split), split)


# The lab on it.


def test_the_slider_moves_preference_point_and_predictions(manifold: ParetoManifold, split: datasets.MultiTaskDataset) -> None:
    lab = SteerableLab(manifold, split)
    try:
        before, status = lab.picture, lab.status
        lab.sliders[0].value = 1.0
        assert manifold.preference == {"left": 0.0, "right": 1.0}
        assert lab.picture != before
        assert lab.status != status
        metrics = evaluate(manifold, split).metrics
        assert f"left {100 * metrics['left']:.1f} %, right {100 * metrics['right']:.1f} %" in lab.status
        lab.preference = {"left": 0.75, "right": 0.25}
        assert lab.sliders[0].value == 0.25
        assert Image.open(io.BytesIO(lab.picture)).size == (1000, 460)
        assert lab.sliders[0].hint
    finally:
        lab.close()


def test_moving_the_slider_does_not_train(manifold: ParetoManifold, split: datasets.MultiTaskDataset) -> None:
    before = [parameter.clone() for parameter in manifold.parameters()]
    lab = SteerableLab(manifold, split)
    for value in (0.0, 0.3, 1.0):
        lab.sliders[0].value = value
    lab.close()
    assert all(torch.equal(mine, old) for mine, old in zip(manifold.parameters(), before, strict=True))


def test_three_tasks_of_two_kinds_have_a_slider_each() -> None:
    three = split_of(classification("left", 3), classification("right", 2), regression("height", 2))
    model = pareto_manifold(lambda seed: hard_sharing(lenet, three, seed=seed)).eval()
    lab = SteerableLab(model, three)
    try:
        lab.sliders[2].value = 1.0
        assert model.preference["height"] == pytest.approx(1 / (1 + 2 / 3), abs=0.02)
        for slider in lab.sliders:
            slider.value = 0.0
        assert model.preference == pytest.approx(dict.fromkeys(("left", "right", "height"), 1 / 3))
        assert "height" in lab.status
    finally:
        lab.close()


def test_a_lab_on_other_tasks_than_the_models_is_refused(manifold: ParetoManifold) -> None:
    with pytest.raises(ValueError, match="no head for task 'middle'"):
        SteerableLab(manifold, split_of(classification("left", 3), classification("middle", 2)))
    with pytest.raises(ValueError, match="the images have the tasks"):
        SteerableLab(manifold, split_of(classification("left", 3)))


def test_an_assigned_preference_is_the_one_that_slider_picture_and_words_show(
    manifold: ParetoManifold, split: datasets.MultiTaskDataset
) -> None:
    lab = SteerableLab(manifold, split)
    try:
        for asked, found in ((0.49, 0.5), (0.67, 0.65), (0.66, 0.65)):
            lab.preference = {"left": 1 - asked, "right": asked}
            assert lab.preference == pytest.approx({"left": 1 - found, "right": found})
            assert lab.sliders[0].value == pytest.approx(found)
            assert f"right {found:.2f}." in lab.status
        with pytest.raises(ValueError, match="task 'left'"):
            lab.preference = {"left": -1.0, "right": 1.0}
        assert lab.preference == pytest.approx({"left": 0.35, "right": 0.65})
    finally:
        lab.close()


def partly(split: datasets.MultiTaskDataset, **missing: slice) -> datasets.MultiTaskDataset:
    """Without the labels of some tasks on some images."""
    targets = {name: split.targets[name].clone() for name in missing}
    for name, where in missing.items():
        targets[name][where] = -100
    return split.with_targets(**targets)


def test_it_says_on_how_many_images_it_measured(manifold: ParetoManifold, split: datasets.MultiTaskDataset) -> None:
    lab = SteerableLab(manifold, split)
    try:
        assert "On 60 images: left" in lab.status
    finally:
        lab.close()


def test_partly_labelled_images_can_be_steered_on_and_only_labelled_ones_are_counted(manifold: ParetoManifold) -> None:
    # Two data sets in one: the first part has labels of one task, the second part those of the other.
    split = partly(split_of(*TASKS, count=1500), left=slice(0, 1200), right=slice(1200, None))
    lab = SteerableLab(manifold, split)
    try:
        samples, predictions = lab._samples, predict(manifold, lab._samples)
        assert len(samples) == 8
        right = {name: int((predictions[name].argmax(1) == samples.targets[name]).sum()) for name in ("left", "right")}
        assert (
            f"Correct on the 8 images shown: left {right['left']} of 4 with a label, right {right['right']} of 4 with a label."
            in lab.status
        )
        words = [text.get_text() for task, number, _, text in lab._images._lines if samples.targets[task.name][number] < 0]
        assert len(words) == 8
        assert all("(?)" in text and "✗" not in text and "✓" not in text for text in words)
    finally:
        lab.close()


def test_a_missing_number_is_called_that_and_not_nan() -> None:
    split = split_of(classification("left", 3), regression("height", 2))
    height = split.targets["height"].clone()
    height[:50] = float("nan")
    split = split.with_targets(height=height)
    model = pareto_manifold(lambda seed: hard_sharing(lenet, split, seed=seed)).eval()
    lab = SteerableLab(model, split)
    try:
        words = [text.get_text() for task, _, _, text in lab._images._lines if task.name == "height"]
        assert sum("(?)" in text for text in words) == 4
        assert not any("nan" in text for text in words)
    finally:
        lab.close()


def test_the_first_images_are_taken_where_all_have_labels_and_a_fair_share_where_not(split: datasets.MultiTaskDataset) -> None:
    assert torch.equal(first_with_labels(split, 8).images, split.images[:8])
    order = torch.arange(60).flip(0)
    assert torch.equal(first_with_labels(split, 8, order).images, split.images[order[:8]])
    assert len(first_with_labels(split, 100)) == 60
    some = partly(split, left=slice(0, 57))
    assert torch.equal(first_with_labels(some, 8).images, split.images[[0, 1, 2, 3, 4, 57, 58, 59]])
    assert torch.equal(first_with_labels(some, 1).images, split.images[[0, 57]])  # one for each task, at least


# Smooth Tchebycheff.


def test_smooth_tchebycheff_by_value() -> None:
    balancer = SmoothTchebycheff({"left": 0.25, "right": 0.75}, smoothing=0.5, ideal={"left": 0.0, "right": 1.0})
    balancer.prepare(["left", "right"])
    values = torch.tensor([2.0, 3.0], requires_grad=True)
    weights = balancer.backward({"left": values[0], "right": values[1]}, torch.nn.Identity())
    total = 0.5 * torch.log(torch.exp(0.25 * values[0] / 0.5) + torch.exp(0.75 * (values[1] - 1) / 0.5))
    (expected,) = torch.autograd.grad(total, values)
    assert torch.allclose(values.grad, expected)
    assert list(weights.values()) == pytest.approx(expected.tolist())
    balancer.weights = {"left": 1.0, "right": 0.0}
    again = balancer.backward({"left": values[0].clone(), "right": values[1].clone()}, torch.nn.Identity())
    assert again["left"] > 0.9
    assert again["right"] == 0.0


def test_with_little_smoothing_the_worst_task_counts_alone() -> None:
    balancer = SmoothTchebycheff(smoothing=1e-3)
    balancer.prepare(["a", "b", "c"])
    losses = {name: torch.tensor(value, requires_grad=True) for name, value in (("a", 1.0), ("b", 1.5), ("c", 0.2))}
    weights = balancer.backward(losses, torch.nn.Identity())
    assert weights == pytest.approx({"a": 0.0, "b": 1 / 3, "c": 0.0}, abs=1e-6)


def test_smooth_tchebycheff_checks_its_weights_as_the_weighted_sum_does() -> None:
    with pytest.raises(ValueError, match="zero or more"):
        SmoothTchebycheff({"left": -1.0, "right": 1.0})
    balancer = SmoothTchebycheff({"left": 1.0, "right": 1.0})
    balancer.prepare(["left", "right"])
    with pytest.raises(ValueError, match="no weight for task 'right'"):
        balancer.weights = {"left": 1.0}
    with pytest.raises(ValueError, match="ideal losses are given for"):
        SmoothTchebycheff(ideal={"left": 0.0}).prepare(["left", "right"])


# The concave front.


def end_of(balancer: WeightedSum | SmoothTchebycheff, seed: int) -> tuple[float, float]:
    model = ConcaveFront(seed=seed)
    optimizer = partial(torch.optim.Adam, lr=0.02)
    for _ in training.train(
        model,
        ConcaveFront.batches(),
        tasks=ConcaveFront.tasks(),
        steps=500,
        balancer=balancer,
        optimizer=optimizer,
        device="cpu",
    ):
        pass
    losses = ConcaveFront.losses(model.x[0].detach())
    return float(losses["first"]), float(losses["second"])


def test_the_front_is_concave_and_best_at_its_ends() -> None:
    front = ConcaveFront.front(101)
    assert front[0, 0] == 0
    assert front[-1, 1] == 0
    assert front[50].tolist() == pytest.approx([1 - torch.e**-1] * 2, abs=1e-5)
    chord = front[0] + torch.linspace(0, 1, 101)[:, None] * (front[-1] - front[0])
    # Only within a hair of its ends it bends the other way.
    assert bool((front.sum(1)[10:-10] > chord.sum(1)[10:-10]).all())
    sampled = torch.stack(
        list(ConcaveFront.losses(torch.randn(500, 2, generator=torch.Generator().manual_seed(0))).values()), 1
    )
    better = (sampled[:, None] < front[None] - 1e-4).all(-1)
    assert not better.any()


def test_the_weighted_sum_reaches_only_ends_and_smooth_tchebycheff_the_middle() -> None:
    for seed in range(3):
        for weight in (0.4, 0.5, 0.6):
            weights = {"first": weight, "second": 1 - weight}
            first, second = end_of(WeightedSum(weights), seed)
            # "End": the smaller loss is nearly nothing. (The other basin pulls it a little off the very end.)
            assert min(first, second) < 0.05
            first, second = end_of(SmoothTchebycheff(weights, smoothing=0.02), seed)
            assert weight * first == pytest.approx((1 - weight) * second, abs=0.05)


def test_both_methods_walk_under_one_slider() -> None:
    lab = ConcaveFrontLab()
    try:
        before = lab.picture
        lab.run(300)
        assert lab.picture != before
        points = lab.points()
        assert min(points["weighted sum"]) < 0.05
        assert min(points["smooth Tchebycheff"]) > 0.5
        lab.slider.value = 0.65
        assert all(balancer.weights == {"first": 0.65, "second": 0.35} for balancer in lab.methods.values())
        lab.run(300)
        assert lab.points()["smooth Tchebycheff"][0] < points["smooth Tchebycheff"][0] - 0.1
        assert min(lab.points()["weighted sum"]) < 0.05
        lab.reset(3)
        assert all(run.seed == 3 and not run.history.steps for run in lab.runs.values())
        assert "Weighted sum: first loss" in lab.status
    finally:
        lab.close()
    with pytest.raises(ValueError, match="from 0 to 1"):
        ConcaveFrontLab(weight=1.5)


def test_the_concave_front_plays_live() -> None:
    async def test() -> None:
        lab = ConcaveFrontLab(steps=30)
        lab.play()
        while lab.playing:
            await asyncio.sleep(0.01)
        assert lab.status.startswith("Finished, step 30 of 30")
        lab.close()
        await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(test(), 60))
