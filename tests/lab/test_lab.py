"""The lab without a browser: through its widgets' traits, as the browser would move them."""

from __future__ import annotations

import asyncio
import io
import math
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import ipywidgets
import pytest
import torch
from ipywidgets.widgets import widget as widget_module
from PIL import Image

from mtl_utils import balancing, datasets, models, training
from mtl_utils.analysis import pull as probe
from mtl_utils.evaluation import evaluate
from mtl_utils.lab import LossWeightLab
from mtl_utils.lab.engine import open_labs, player, presence
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.plotting import smoothed
from mtl_utils.tasks import classification, regression
from mtl_utils.training.history import History, Step

SIZE = (1, 28, 28)
FAST = math.inf


def small_data(*tasks: Any, count: int = 96) -> datasets.Splits:
    """Random images with a random target of each task."""
    tasks = tasks or (classification("left", 3), classification("right", 3))
    generator = torch.Generator().manual_seed(0)

    def split() -> datasets.MultiTaskDataset:
        images = torch.randint(256, (count, *SIZE), dtype=torch.uint8, generator=generator)
        targets = {
            task.name: torch.randint(task.output_size, (count,), generator=generator)
            if task.is_classification
            else torch.randn(count, task.output_size, generator=generator)
            for task in tasks
        }
        return datasets.MultiTaskDataset(images, targets, tasks)

    return datasets.Splits("small", split(), split(), split())


def factory(of: datasets.Splits) -> Callable[[int], torch.nn.Module]:
    return lambda seed: models.hard_sharing(models.lenet, of, seed=seed)


def make_lab(of: datasets.Splits | None = None, **arguments: Any) -> LossWeightLab:
    of = of if of is not None else small_data()
    arguments = {"steps": 40, "batch_size": 32, "validate_every": 4, "device": "cpu", "speed": FAST} | arguments
    return LossWeightLab(factory(of), of, **arguments)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Every test closes its labs, and closing leaves no widget behind."""
    before = set(widget_module._instances)
    yield
    for lab in list(_made):
        lab.close()
    _made.clear()
    assert set(widget_module._instances) == before


_made: list[Any] = []


@pytest.fixture
def lab() -> LossWeightLab:
    return remember(make_lab())


def remember(made: Any) -> Any:
    _made.append(made)
    return made


def live(test: Callable[[], Awaitable[None]]) -> None:
    """Run on an event loop, as a kernel does."""
    asyncio.run(asyncio.wait_for(test(), 60))


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def controls_of(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from controls_of(child)


# Weights.


def test_a_slider_acts_on_the_very_next_step(lab: LossWeightLab) -> None:
    lab.run(3)
    lab.sliders["left"].value = 0.9
    lab.run(1)
    assert [step.weights["left"] for step in lab.history.steps] == [0.5, 0.5, 0.5, 0.9]
    assert lab.history.steps[-1].weights["right"] == 0.5


def test_a_slider_acts_while_the_loop_runs() -> None:
    async def test() -> None:
        lab = remember(make_lab(steps=5000))
        lab.play()
        await until(lambda: len(lab.history.steps) >= 3)
        lab.sliders["right"].value = 0.2
        touched_after = len(lab.history.steps)
        await until(lambda: len(lab.history.steps) >= touched_after + 2)
        assert lab.history.steps[touched_after].weights == {"left": 0.5, "right": 0.2}
        assert lab.history.steps[touched_after - 1].weights == {"left": 0.5, "right": 0.5}

    live(test)


def test_a_slider_that_is_moved_on_another_thread_reaches_the_loop_and_draws_on_the_loops_thread() -> None:
    async def test() -> None:
        lab = remember(make_lab(steps=5000))
        drawn_on = set()
        draw = lab._picture.draw
        lab._picture.draw = lambda *arguments: (drawn_on.add(threading.get_ident()), draw(*arguments))
        lab.play()
        await until(lambda: lab.history.steps)
        thread = threading.Thread(target=lambda: setattr(lab.sliders["left"], "value", 0.75))
        thread.start()
        await until(lambda: lab.history.steps[-1].weights["left"] == 0.75)
        await until(lambda: "left 0.75" in lab.status)
        thread.join()
        lab.pause()
        await until(lambda: not lab.playing)
        paused = threading.Thread(target=lambda: setattr(lab.sliders["left"], "value", 0.25))
        paused.start()
        await until(lambda: "left 0.25" in lab.status)
        paused.join()
        assert drawn_on == {threading.get_ident()}

    live(test)


def test_assigning_weights_moves_the_sliders(lab: LossWeightLab) -> None:
    lab.weights = {"left": 0.1, "right": 0.7}
    assert {name: slider.value for name, slider in lab.sliders.items()} == {"left": 0.1, "right": 0.7}
    assert lab.weights == {"left": 0.1, "right": 0.7}
    assert "left 0.1, right 0.7" in lab.status


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"left": -0.1, "right": 0.5}, "task 'left': a weight must be a finite number, zero or more"),
        ({"left": float("nan"), "right": 0.5}, "task 'left'"),
        ({"left": 0.0, "right": 0.0}, "at least one weight must be above zero"),
        ({"left": 0.5, "middle": 0.5}, "'middle'"),
        ({"left": 0.5}, "no weight for task 'right'"),
        ({"left": 3.0, "right": 0.5}, "the slider goes from 0 to 1, not to 3.0"),
        ({"left": "a", "right": 0.5}, "task 'left': a weight must be a finite number, zero or more, not 'a'"),
        ({"left": None, "right": 0.5}, "task 'left': a weight must be a finite number"),
        (0.5, "weights must be a dictionary with a weight for each task, not 0.5"),
    ],
)
def test_bad_weights_are_refused_in_words_and_change_nothing(lab: LossWeightLab, weights: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        lab.weights = weights
    assert lab.weights == {"left": 0.5, "right": 0.5}
    assert {name: slider.value for name, slider in lab.sliders.items()} == {"left": 0.5, "right": 0.5}
    with pytest.raises(ValueError, match=words):
        make_lab(weights=weights)


def test_sliders_all_at_zero_keep_the_last_weights_and_say_so(lab: LossWeightLab) -> None:
    lab.sliders["left"].value = 0.0
    lab.sliders["right"].value = 0.0
    assert lab.weights == {"left": 0.0, "right": 0.5}
    assert "at least one weight must be above zero" in lab.status
    assert "The last weights stay in force" in lab.status
    lab.run(1)
    lab.sliders["left"].value = 0.3
    assert "above zero" not in lab.status
    assert lab.weights == {"left": 0.3, "right": 0.0}


def test_one_task_alone_is_refused() -> None:
    alone = small_data(classification("left", 3))
    with pytest.raises(ValueError, match="two tasks or more, there is only 'left'"):
        make_lab(alone)


def test_a_model_without_a_head_for_a_task_is_refused() -> None:
    both = small_data()
    with pytest.raises(ValueError, match="no head for task 'right'"):
        LossWeightLab(lambda seed: models.single_task(models.lenet, both, "left", seed=seed), both)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"limits": (0.5, 0.1)}, "low < high"),
        ({"limits": (0.0, 1.0), "scale": "logarithmic"}, "logarithmic"),
        ({"scale": "cubic"}, "'linear' or 'logarithmic'"),
        ({"balancer": balancing.GeometricMean()}, "no weights that sliders could move"),
    ],
)
def test_unsuitable_sliders_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make_lab(**arguments)


def test_logarithmic_sliders() -> None:
    lab = remember(make_lab(scale="logarithmic", weights={"left": 1.0, "right": 1.0}))
    lab.sliders["left"].value = 0.01
    lab.run(1)
    assert lab.history.steps[0].weights["left"] == pytest.approx(0.01)


# The run.


def test_it_computes_exactly_what_the_training_loop_computes() -> None:
    of = small_data()
    lab = remember(make_lab(of, steps=12))
    lab.run(12)
    alone = factory(of)(0)
    history = training.fit(
        alone, of, steps=12, batch_size=32, validate_every=4, device="cpu", seed=0, progress=False,
        balancer=balancing.WeightedSum("mean"),
    )  # fmt: skip
    assert [step.losses for step in lab.history.steps] == [step.losses for step in history.steps]
    model = lab.model
    lab.close()  # until then the run could go on; now the best weights are put back, as at the end of `fit`
    for mine, other in zip(model.parameters(), alone.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_playing_and_running_give_the_same_numbers() -> None:
    async def test() -> None:
        played, run = remember(make_lab(steps=10)), remember(make_lab(steps=10))
        played.play()
        await until(lambda: not played.playing)
        run.run(10)
        assert [step.losses for step in played.history.steps] == [step.losses for step in run.history.steps]
        assert played.status.startswith("Finished, step 10 of 10")

    live(test)


def test_double_start_makes_one_loop() -> None:
    async def test() -> None:
        lab = remember(make_lab(steps=5000))
        others = len(asyncio.all_tasks())
        for _ in range(3):
            lab.play_button.click()
        lab.play()
        assert len(asyncio.all_tasks()) == others + 1
        lab.pause()
        lab.play()  # before the pause took effect: it goes on, with the same one
        await until(lambda: len(lab.history.steps) > 3)
        assert len(asyncio.all_tasks()) == others + 1
        numbers = [step.number for step in lab.history.steps]
        assert numbers == list(range(1, len(numbers) + 1))
        lab.pause_button.click()
        await until(lambda: not lab.playing)
        assert len(asyncio.all_tasks()) == others

    live(test)


def test_the_buttons_say_what_can_be_done() -> None:
    async def test() -> None:
        lab = remember(make_lab(steps=5000))
        assert (lab.play_button.disabled, lab.pause_button.disabled) == (False, True)
        lab.play_button.click()
        await until(lambda: lab.play_button.disabled)
        assert not lab.pause_button.disabled
        lab.pause_button.click()
        await until(lambda: not lab.play_button.disabled)
        assert lab.pause_button.disabled
        assert lab.status.startswith("Paused")

    live(test)


def test_step_makes_one_step_and_pauses() -> None:
    async def test() -> None:
        lab = remember(make_lab(steps=5000))
        lab.step_button.click()
        assert len(lab.history.steps) == 1
        lab.play()
        await until(lambda: len(lab.history.steps) > 3)
        lab.step_button.click()
        await until(lambda: not lab.playing)
        count = len(lab.history.steps)
        await asyncio.sleep(0.05)
        assert len(lab.history.steps) == count

    live(test)


def test_reset_while_it_runs_begins_anew_and_keeps_the_end_as_a_point() -> None:
    async def test() -> None:
        lab = remember(make_lab(steps=5000))
        lab.play()
        await until(lambda: lab.history.validations)
        old, history = lab.model, lab.history
        lab.seed.value = 7
        await until(lambda: "Seed 7 takes effect with the next reset" in lab.status)
        assert lab.playing
        lab.reset_button.click()
        await until(lambda: not lab.playing)
        assert lab.model is not old
        assert len(lab.history.steps) == 0
        assert [point.evaluation for point in lab.kept] == [history.validations[-1].validation]
        assert [point.seed for point in lab.kept] == [0]
        assert "seed 7" in lab.status
        assert history.stopped.startswith("stopped after step")
        lab.run(2)
        expected = training.train(
            factory(small_data())(7), small_data(), steps=2, batch_size=32, device="cpu", seed=7,
            balancer=balancing.WeightedSum("mean"),
        )  # fmt: skip
        assert [step.losses for step in lab.history.steps] == [step.losses for step in expected]

    live(test)


def test_a_finished_run_is_kept_once_and_can_be_begun_again(lab: LossWeightLab) -> None:
    lab.run(1000)
    assert len(lab.history.steps) == 40
    assert lab.play_button.disabled
    lab.run(5)
    assert len(lab.history.steps) == 40
    lab.reset()
    assert len(lab.kept) == 1
    lab.run(4)
    lab.reset()
    assert len(lab.kept) == 2
    lab.forget_button.click()
    assert lab.kept == []


def test_the_last_step_is_measured_on_the_weights_that_it_left_and_not_on_the_best_ones() -> None:
    of = small_data()
    arguments: dict[str, Any] = {"steps": 40, "batch_size": 32, "validate_every": 4, "device": "cpu"}
    lab, alone = remember(make_lab(of, **arguments)), factory(of)(0)
    lab.run(40)
    pulls = []
    for step in training.train(alone, of, balancer=balancing.WeightedSum("mean"), **arguments):
        if step.validation is not None:
            pulls.append(probe.measure_pull(alone, of.train.batch(slice(0, 64)), of.tasks))
    assert lab.history.best_step < 40  # or there would be nothing to mix up
    assert lab.pull == pulls[-1]
    assert lab.history.stopped == "finished"
    history, model = lab.history, lab.model
    assert evaluate(model, of.val) == history.validations[-1].validation
    lab.close()
    assert history.stopped == "finished"
    assert evaluate(model, of.val) == history.best


def test_a_kept_point_has_the_weights_of_its_run_and_not_those_that_the_sliders_have_now(lab: LossWeightLab) -> None:
    lab.run(4)
    lab.sliders["left"].value = 0.9
    lab.run(3)
    lab.reset()
    assert [point.weights for point in lab.kept] == [{"left": 0.5, "right": 0.5}]
    lab.run(4)
    lab.weights = {"left": 0.1, "right": 0.2}
    lab.reset()
    assert [point.weights for point in lab.kept[1:]] == [{"left": 0.9, "right": 0.5}]


@pytest.mark.parametrize("seed", [-3, 2_000_000, 1.5, True])
def test_a_seed_that_the_field_cannot_show_is_refused_and_changes_nothing(lab: LossWeightLab, seed: Any) -> None:
    lab.run(2)
    with pytest.raises(ValueError, match="a seed must be a whole number from 0 to 1,000,000"):
        lab.reset(seed=seed)
    assert len(lab.history.steps) == 2
    assert lab.seed.value == 0
    with pytest.raises(ValueError, match="a seed must be a whole number from 0 to 1,000,000"):
        make_lab(seed=seed)


def test_playing_needs_an_event_loop_and_says_what_does_not(lab: LossWeightLab) -> None:
    with pytest.raises(RuntimeError, match=r"run\(steps\) works everywhere"):
        lab.play()


# What goes wrong.


def exploding_lab(**arguments: Any) -> LossWeightLab:
    of = small_data(classification("left", 3), regression("height", 1))
    return remember(make_lab(of, optimizer=lambda groups: torch.optim.SGD(groups, lr=1e12), **arguments))


def test_a_loss_that_is_not_finite_stops_the_run_with_task_and_step_and_reset_works() -> None:
    async def test() -> None:
        lab = exploding_lab()
        lab.play()
        await until(lambda: not lab.playing)
        assert lab.status.startswith("the loss of task '")
        assert "in step" in lab.status
        assert "Reset begins anew" in lab.status
        assert "Stopped, step" in lab.status
        assert lab._screen.problem
        lab.reset()
        assert "the loss of task" not in lab.status
        lab.step()
        assert len(lab.history.steps) == 1

    live(test)


def test_run_raises_what_stopped_it() -> None:
    lab = exploding_lab()
    with pytest.raises(training.NonFiniteLossError, match="the loss of task"):
        lab.run(40)
    assert "the loss of task" in lab.status


def test_an_error_of_ones_own_model_is_shown_and_not_swallowed() -> None:
    of = small_data()

    class Broken(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            raise RuntimeError("no idea <b>what</b> to do")

    lab = remember(LossWeightLab(lambda seed: Broken(), of, batch_size=32, device="cpu"))
    with pytest.raises(ValueError, match="no idea"):
        lab.run(1)
    assert "no idea <b>what</b> to do" in lab.status
    assert "<b>" in lab._screen.problem  # put into the page as text, and not as HTML


def test_a_factory_that_fails_is_shown_and_the_next_reset_tries_again() -> None:
    of, fail = small_data(), False

    def make(seed: int) -> torch.nn.Module:
        if fail:
            raise OSError("disk full")
        return factory(of)(seed)

    lab = remember(LossWeightLab(make, of, batch_size=32, device="cpu"))
    fail = True
    lab.reset()
    assert lab.status.startswith("no new model: disk full. Reset begins anew.\nStopped, step 0")
    with pytest.raises(OSError, match="disk full"):
        lab.run(3)
    fail = False
    lab.reset()
    assert "disk full" not in lab.status
    lab.run(1)
    assert len(lab.history.steps) == 1


def with_missing(of: datasets.Splits, missing: slice, *names: str) -> datasets.Splits:
    """The same data; some training images have no label of these tasks."""
    targets = {name: of.train.targets[name].clone() for name in names}
    for target in targets.values():
        target[missing] = -100
    return of.with_train(of.train.with_targets(**targets))


def test_it_runs_where_the_first_images_have_no_label() -> None:
    lab = remember(make_lab(with_missing(small_data(), slice(0, 70), "left", "right")))
    lab.run(4)
    assert len(lab.history.steps) == 4
    assert "Gradient cosine of left and right" in lab.status  # measured on images that have labels
    first_of_one = remember(make_lab(with_missing(small_data(), slice(0, 70), "left")))
    first_of_one.run(4)
    assert list(first_of_one.pull.norms) == ["right"]


def test_a_batch_without_labels_pulls_nowhere() -> None:
    of = with_missing(small_data(), slice(0, 8), "left", "right")
    assert probe.measure_pull(factory(of)(0), of.train.batch(slice(0, 8)), of.tasks) == probe.Pull()


def test_measuring_leaves_a_part_that_is_frozen_in_evaluation_mode_there() -> None:
    of = small_data()
    model = factory(of)(0).train()
    model.encoder.conv1.eval()
    before = [module.training for module in model.modules()]
    assert probe.measure_pull(model, of.train.batch(slice(0, 8)), of.tasks).norms
    assert [module.training for module in model.modules()] == before


def test_an_error_while_measuring_stops_the_run_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        lab = remember(make_lab())
        monkeypatch.setattr("mtl_utils.lab.loss_weight_lab.measure_pull", lambda *_: 1 / 0)
        lab.play()
        await until(lambda: not lab.playing)
        assert lab.status.startswith("division by zero. Reset begins anew.\nStopped, step 4 of 40")
        assert lab.history.stopped == "stopped after step 4"

    live(test)


# What one sees.


def test_the_picture_keeps_its_size_and_changes_with_a_touch_while_paused(lab: LossWeightLab) -> None:
    sizes, pictures = set(), []
    for action in (lambda: None, lambda: lab.run(4), lambda: setattr(lab.sliders["left"], "value", 0.9), lab.reset):
        action()
        pictures.append(lab.picture)
        sizes.add(Image.open(io.BytesIO(lab.picture)).size)
    assert sizes == {(1000, 460)}
    assert len(set(pictures)) == len(pictures)


def test_the_moved_slider_shows_in_the_picture_before_the_next_step(lab: LossWeightLab) -> None:
    lab.run(4)
    before = lab.picture
    lab.sliders["left"].value = 0.9
    assert lab.picture != before
    assert len(lab.history.steps) == 4


def test_drawing_keeps_its_own_pace() -> None:
    async def test() -> None:
        lab = remember(make_lab(steps=150, validate_every=1000))
        drawn = 0
        draw = lab._picture.draw

        def count(*arguments: Any) -> None:
            nonlocal drawn
            drawn += 1
            draw(*arguments)

        lab._picture.draw = count
        lab.play()
        await until(lambda: not lab.playing)
        assert 1 <= drawn < 75

    live(test)


def test_every_control_has_a_tooltip(lab: LossWeightLab) -> None:
    kinds = (ipywidgets.Button, Slider, ipywidgets.BoundedIntText, ipywidgets.Dropdown)
    found = [control for control in controls_of(lab.view) if isinstance(control, kinds)]
    assert len(found) == 14
    assert all(control.hint if isinstance(control, Slider) else control.tooltip for control in found)


def test_the_words_say_what_the_picture_shows(lab: LossWeightLab) -> None:
    assert "Not validated yet" in lab.status
    lab.run(8)
    metrics = lab.history.validations[-1].validation.metrics
    assert f"left {100 * metrics['left']:.1f} % (accuracy)" in lab.status
    assert "step 8 of 40" in lab.status
    assert "Gradient cosine of left and right" in lab.status


def test_what_is_shown_where_no_widget_can_be(lab: LossWeightLab) -> None:
    bundle, metadata = lab._repr_mimebundle_()
    assert metadata == {"image/png": {"alt": lab.description}}
    assert bundle["text/plain"] == lab.status
    assert "image/png" in bundle
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_three_tasks_of_which_two_span_the_plane() -> None:
    of = small_data(classification("left", 3), classification("right", 4), regression("height", 2))
    lab = remember(make_lab(of))
    lab.run(8)
    assert list(lab.sliders) == ["left", "right", "height"]
    before = lab.picture
    lab.x_choice.value = "height"
    assert lab.picture != before
    before = lab.picture
    lab.plane_choice.value = "loss"
    assert lab.picture != before
    assert lab._picture.plane._ax.get_xlabel() == "height: loss (reversed) →"
    assert lab._picture.plane._ax.get_ylabel() == "right: loss (reversed) →"


def test_smoothed_losses_are_those_of_the_other_figures() -> None:
    nan = float("nan")
    losses = {"left": [1.0, 0.0, 0.0, 2.0], "right": [nan, nan, 4.0, 0.0]}
    steps = [Step(number + 1, 1, {name: values[number] for name, values in losses.items()}, {}) for number in range(4)]
    lab = remember(make_lab())
    over_time = lab._picture.over_time
    for count in (2, 4):  # a picture in between
        over_time.update(History(steps[:count]), lab.weights)
    for name, values in losses.items():
        shown = over_time._loss_lines[name].get_ydata()[::-1]
        assert shown == pytest.approx(smoothed(values).tolist(), nan_ok=True)


def metric_line(lab: LossWeightLab, name: str) -> Any:
    return lab._picture.over_time._metric_lines[name]


def test_a_metric_of_a_third_kind_is_not_drawn_on_a_scale_that_is_not_its_own() -> None:
    height, age = regression("height", 2), regression("age", 1, metric="root mean squared error")
    lab = remember(make_lab(small_data(classification("left", 3), height, age)))
    lab.run(8)
    ax = lab._picture.over_time._metrics_ax
    assert set(lab._picture.over_time._metric_lines) == {"left", "height"}
    assert metric_line(lab, "height").axes is not ax
    assert "not drawn: age (a third scale)" in [text.get_text() for text in ax.texts]
    latest = f"{lab.history.validations[-1].validation.metrics['age']:.3g}"
    assert latest in [text.get_text() for text in ax.texts]  # its number is there
    other = remember(make_lab())
    assert not any("not drawn" in text.get_text() for text in other._picture.over_time._metrics_ax.texts)


def test_all_shares_have_one_scale_and_errors_the_other() -> None:
    of = small_data(classification("left", 3), replace(classification("parts", 3), metric_name="mean IoU"), regression("age"))
    lab = remember(make_lab(of))
    lab.run(8)
    ax = lab._picture.over_time._metrics_ax
    assert metric_line(lab, "left").axes is metric_line(lab, "parts").axes is ax
    error = metric_line(lab, "age").axes
    assert error is not ax
    assert error.get_ylabel() == "mean absolute error"
    low, high = error.get_ylim()
    assert all(low <= value <= high for value in metric_line(lab, "age").get_ydata())


def test_batches_without_validation_and_a_model_that_tells_nothing() -> None:
    tasks = [classification("left", 3), classification("right", 3)]
    generator = torch.Generator().manual_seed(0)
    batches = [
        (torch.randn(8, 4, generator=generator), {task.name: torch.randint(3, (8,), generator=generator) for task in tasks})
        for _ in range(3)
    ]

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 6)

        def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            left, right = self.layer(images).chunk(2, 1)
            return {"left": left, "right": right}

    lab = remember(LossWeightLab(lambda seed: Plain(), batches, tasks=tasks, steps=10, device="cpu"))
    lab.run(10)
    assert "Not validated yet" in lab.status
    assert "cosine" not in lab.status
    lab.reset()
    assert lab.kept == []


def test_measuring_gradients_leaves_no_trace() -> None:
    of = small_data()
    with_probe, without = remember(make_lab(of, steps=8, validate_every=1)), remember(make_lab(of, steps=8, validate_every=1))
    without._probe = None
    for lab in (with_probe, without):
        lab.run(8)
    assert "cosine" in with_probe.status
    assert "cosine" not in without.status
    assert [step.losses for step in with_probe.history.steps] == [step.losses for step in without.history.steps]


# Coming and going.


def test_closing_while_it_plays_leaves_nothing() -> None:
    async def test() -> None:
        others = len(asyncio.all_tasks())
        before = set(widget_module._instances)
        lab = make_lab(steps=5000)
        lab.play()
        await until(lambda: len(lab.history.steps) > 2)
        history = lab.history
        lab.close()
        lab.close()
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == others
        assert set(widget_module._instances) == before
        assert history.stopped.startswith("stopped after step")
        with pytest.raises(AttributeError, match="this lab was closed"):
            _ = lab.picture
        for use in (lab.play, lab.pause, lab.step, lab.reset, lambda: lab.run(1), lab._repr_mimebundle_):
            with pytest.raises(RuntimeError, match="this lab was closed"):
                use()

    live(test)


def test_running_a_cell_again_closes_its_former_labs_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_cell(cell: str, run: int, labs: int) -> list[LossWeightLab]:
        monkeypatch.setattr(open_labs, "_running_cell", lambda: (cell, run))
        return [remember(make_lab()) for _ in range(labs)]

    first = run_cell("a", 1, 2)
    other = run_cell("b", 2, 1)
    assert not any(lab._closed for lab in first + other)
    again = run_cell("a", 3, 2)
    assert all(lab._closed for lab in first)
    assert not any(lab._closed for lab in again + other)


def test_a_cell_that_fails_when_it_runs_again_closes_its_former_lab_nevertheless(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        monkeypatch.setattr(open_labs, "_running_cell", lambda: ("cell", 1))
        lab = remember(make_lab(steps=5000))
        lab.play()
        await until(lambda: lab.history.steps)
        history = lab.history
        monkeypatch.setattr(open_labs, "_running_cell", lambda: ("cell", 2))
        with pytest.raises(NameError):
            LossWeightLab(lambda seed: models.hard_sharing(forgotten, seed=seed), small_data())  # type: ignore  # noqa: F821
        assert lab._closed
        await asyncio.sleep(0.05)
        assert history.stopped.startswith("stopped after step")

    live(test)


def test_a_cell_that_makes_fewer_labs_than_before_leaves_none_of_the_former_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_labs, "_running_cell", lambda: ("cell", 1))
    former = [remember(make_lab()) for _ in range(2)]
    monkeypatch.setattr(open_labs, "_running_cell", lambda: ("cell", 2))
    lab = remember(make_lab())
    assert all(each._closed for each in former)
    assert not lab._closed
    lab.close()
    assert not open_labs._OPEN


def test_thirty_runs_of_a_cell_leave_one_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        others = len(asyncio.all_tasks())
        counts = set()
        for run in range(30):
            monkeypatch.setattr(open_labs, "_running_cell", lambda run=run: ("cell", run))
            lab = remember(make_lab(steps=5000))
            lab.play()
            await until(lambda lab=lab: lab.history.steps)
            counts.add((len(asyncio.all_tasks()) - others, len(widget_module._instances)))
        assert len(counts) == 1
        assert next(iter(counts))[0] == 1
        lab.close()
        await asyncio.sleep(0.01)

    live(test)


def test_when_the_page_falls_silent_the_run_pauses_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_PATIENCE", 1.0)

    async def test() -> None:
        lab = remember(make_lab(steps=100_000))
        lab.play()
        lab._presence.widget.value = 1  # the page was there, once
        await until(lambda: not lab.playing)
        assert "the page was closed" in lab.status
        lab.play()
        assert lab.playing
        for beat in range(2, 17):
            lab._presence.widget.value = beat
            await asyncio.sleep(0.1)
        assert lab.playing
        lab.pause()
        await until(lambda: not lab.playing)

    live(test)


def test_without_signs_of_life_it_plays_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_PATIENCE", 0.05)

    async def test() -> None:
        lab = remember(make_lab(steps=100_000))
        lab.play()
        await asyncio.sleep(0.5)
        assert lab.playing
        lab.pause()
        await until(lambda: not lab.playing)

    live(test)


def test_a_touch_between_two_steps_is_shown_before_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # By a clock of our own: each step takes a tenth of a second, so that no picture is due but by a touch.
    clock, steps, touched_after, drawn_after = 0.0, 0, 3, []
    monkeypatch.setattr(player.time, "perf_counter", lambda: clock)

    def advance() -> bool:
        nonlocal clock, steps
        clock, steps = clock + 0.1, steps + 1
        if steps == touched_after:
            asyncio.get_running_loop().call_soon(made.touch)
        return steps < 6

    async def test() -> None:
        nonlocal made
        made = player.Player(advance, lambda: drawn_after.append(steps))
        made.play()
        await until(lambda: not made.playing)

    made: Any = None
    live(test)
    assert touched_after in drawn_after


def test_pictures_take_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # By a clock of our own: each step takes 1, each picture 5.
    clock = 0.0
    monkeypatch.setattr(player.time, "perf_counter", lambda: clock)
    spent = {"steps": 0.0, "pictures": 0.0}

    def advance() -> bool:
        nonlocal clock
        clock += 1
        spent["steps"] += 1
        return spent["steps"] < 2000

    def draw() -> None:
        nonlocal clock
        clock += 5
        spent["pictures"] += 5

    async def test() -> None:
        made = player.Player(advance, draw)
        made.play()
        await until(lambda: not made.playing)

    live(test)
    assert 0.03 < spent["pictures"] / spent["steps"] < 0.09
