"""What one sees of the lab: picture, words, hints, and what it does not draw."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import ipywidgets
import pytest
import torch
from PIL import Image
from small_labs import controls_of, live, make_lab, remember, small_data, until

from mtl_utils.lab import LossWeightLab
from mtl_utils.lab.widgets.slider import Slider
from mtl_utils.plotting import smoothed
from mtl_utils.tasks import classification, regression
from mtl_utils.training.history import History, Step

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


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
