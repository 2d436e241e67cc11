"""The labs' slider, PNG writer, canvas and kept runs, without a browser."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mtl_utils import datasets, models, penalties
from mtl_utils.lab import LossWeightLab, PenaltyLab, SteerableLab
from mtl_utils.lab.engine import controls
from mtl_utils.lab.views import words
from mtl_utils.lab.views.canvas import Canvas, Part
from mtl_utils.lab.views.png import write_png
from mtl_utils.lab.widgets.slider import Slider, place_among
from mtl_utils.tasks import classification, pixel_classification, pixel_regression, regression

_made: list[Any] = []


def remember(made: Any) -> Any:
    _made.append(made)
    return made


@pytest.fixture(autouse=True)
def closed_afterwards() -> Iterator[None]:
    yield
    for each in _made:
        each.close()
    _made.clear()


# Sliders.


def test_a_slider_says_what_it_shows_and_is_moved_by_the_page_and_by_hand() -> None:
    slider = remember(Slider("λ", 1.0, [0.0, 1.0, math.inf], words=lambda value: f"<{value:g}>"))
    seen = []
    slider.observe(lambda change: seen.append(change["new"]), "value")
    assert (slider.place, slider.text, slider.texts) == (1, "<1>", ["<0>", "<1>", "<inf>"])
    slider.set_state({"place": 2, "text": "<inf>"})  # what the page sends
    assert slider.value == math.inf
    slider.value = 0.5  # between two places
    assert (slider.place, slider.text, slider.value) == (0.5, "<0.5>", 0.5)
    slider.value = -3
    assert (slider.place, slider.value) == (0, 0)
    assert seen == [math.inf, 0.5, 0.0]


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=9, unique=True), st.floats(-200, 200))
def test_a_place_is_where_the_value_would_stand(values: list[float], value: float) -> None:
    values.sort()
    place = place_among(values, value)
    assert 0 <= place <= len(values) - 1
    assert place_among(values[::-1], value) == len(values) - 1 - place
    if value in values:
        assert values[int(place)] == value
    elif values[0] < value < values[-1]:
        assert values[math.floor(place)] < value < values[math.ceil(place)]


def test_a_logarithmic_weight_slider_has_round_places() -> None:
    slider = remember(controls.weight_slider("a", 1.0, (1e-3, 10.0), logarithmic=True, color="#000000"))
    assert {0.001, 0.01, 0.1, 1.0, 10.0} <= set(slider.values)
    assert slider.text == "1"
    assert len(slider.values) == 81


# Pictures.


def test_png_is_read_as_it_was_written() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 4), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(write_png(pixels)))), pixels)


def test_only_the_part_that_changed_is_drawn_again() -> None:
    canvas = Canvas(4, 2)
    axes = [canvas.figure.add_axes((0.1 + 0.5 * side, 0.2, 0.35, 0.7)) for side in (0, 1)]
    lines = [ax.plot([0, 1], [0, 1])[0] for ax in axes]
    drawn: list[int] = []
    for number, line in enumerate(lines):
        draw = line.draw
        line.draw = lambda renderer, number=number, draw=draw: (drawn.append(number), draw(renderer))  # type: ignore[method-assign]

    def show(scenes: tuple[int, int], contents: tuple[int, int]) -> bytes:
        boxes = ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0))
        canvas.draw([Part(boxes[i], [axes[i]], [lines[i]], scenes[i], contents[i]) for i in (0, 1)])
        return canvas.png

    first = show((0, 0), (0, 0))
    assert drawn == [0, 1]
    assert show((0, 0), (0, 0)) == first
    assert drawn == [0, 1]
    lines[1].set_data([0, 1], [1, 0])
    second = show((0, 0), (0, 1))
    assert drawn == [0, 1, 1]
    assert halves(second)[0] == halves(first)[0]
    assert halves(second)[1] != halves(first)[1]
    axes[0].set_xlim(0, 5)
    third = show((1, 0), (0, 1))
    assert drawn == [0, 1, 1, 0]
    whole = Canvas(4, 2)  # what is drawn part by part is what is drawn at once
    for side in (0, 1):
        ax = whole.figure.add_axes((0.1 + 0.5 * side, 0.2, 0.35, 0.7))
        ax.plot(*lines[side].get_data())
        ax.set(xlim=axes[side].get_xlim(), ylim=axes[side].get_ylim())
    whole.draw([Part((0.0, 0.0, 1.0, 1.0), whole.figure.axes, [line for ax in whole.figure.axes for line in ax.lines])])
    assert halves(third) == halves(whole.png)


def halves(png: bytes) -> tuple[bytes, bytes]:
    pixels = np.asarray(Image.open(io.BytesIO(png)))
    return pixels[:, :200].tobytes(), pixels[:, 200:].tobytes()


# Labs.

PAIRS = datasets.multi_mnist(96, 32, 32)


def loss_lab(**arguments: Any) -> LossWeightLab:
    return remember(
        LossWeightLab(
            lambda seed: models.hard_sharing(models.lenet, PAIRS, seed=seed), PAIRS, steps=12, batch_size=32, validate_every=2,
            device="cpu", **arguments,
        )
    )  # fmt: skip


def test_lines_of_kept_runs_stay_named_by_their_weights_and_go_with_forget() -> None:
    lab = loss_lab()
    legend = lambda: [text.get_text() for text in lab._picture.plane._ax.get_legend().get_texts()]  # noqa: E731
    assert lab._picture.plane._ax.get_legend() is None  # nothing is there that it could name
    lab.run(4)
    assert legend() == ["this run"]
    lab.weights = {"left": 0.9, "right": 0.5}
    lab.run(4)
    losses = lab._picture.over_time._losses_ax
    assert len(losses.lines) == 2
    lab.reset()
    assert legend() == ["earlier runs", "left 0.5→0.9, right 0.5"]
    assert len(losses.lines) == 4
    assert [len(line.get_xdata()) for line in losses.lines[2:]] == [8, 8]
    assert "Earlier runs: left 0.5→0.9, right 0.5." in lab.description
    for _ in range(4):
        lab.run(2)
        lab.reset()
    assert len(lab.kept) == 5
    assert len(losses.lines) == 2 + 3 * 2  # of the latest three
    assert len({run.style for run in lab._former}) == 3
    lab.forget()
    assert len(losses.lines) == 2
    assert lab.kept == []


def test_a_run_that_gets_beyond_the_sweep_stays_in_the_picture() -> None:
    from mtl_utils.evaluation import Evaluation
    from mtl_utils.experiments.sweep import SweepPoint

    poor = [
        SweepPoint({}, 0, Evaluation({"left": 3.0, "right": 3.0}, dict.fromkeys(("left", "right"), each)))
        for each in (0.01, 0.02)
    ]
    lab = loss_lab(sweep=poor)
    ax = lab._picture.plane._ax
    lab.run(12)
    metrics = lab.history.validations[-1].validation.metrics
    assert metrics["left"] > 0.05 or metrics["right"] > 0.05  # or the test tests nothing
    for what in ("metric", "loss"):
        lab.plane_choice.value = what
        assert ax.viewLim.contains(*(float(value[-1]) for value in lab._picture.plane._path.get_data())), what


def test_what_is_saved_says_the_labs_state_and_not_that_it_waits() -> None:
    lab = loss_lab()
    said = lab.status
    lab._others.waiting = True
    lab._wait()
    assert "waiting for the other cells" in lab.status
    data, _ = lab._repr_mimebundle_()
    assert data["text/plain"] == said
    lab._others.waiting = False


def test_a_large_ratio_is_written_out() -> None:
    from mtl_utils.analysis.pull import Pull

    pull = Pull({"a": 1120.0, "b": 10.0}, {("a", "b"): 0.5})
    assert "110 times as long" in words.pull(pull, {"a": 1.0, "b": 1.0})
    assert words.weights({"a": 1000.0, "b": 0.0126}) == "Weights: a 1,000, b 0.0126."


def test_equal_weights_hide_no_line() -> None:
    lines = list(loss_lab()._picture.over_time._weight_lines.values())
    assert lines[0].get_linewidth() > 2 * lines[1].get_linewidth()
    assert lines[0].get_zorder() <= lines[1].get_zorder()


def test_equal_pulls_are_not_one_times_as_long() -> None:
    from mtl_utils.analysis.pull import Pull

    pull = Pull({"a": 2.0, "b": 1.0}, {("a", "b"): 0.5})
    assert words.pull(pull, {"a": 1.0, "b": 1.0}).startswith("The weighted gradient of a is 2 times as long as that of b.")
    assert words.pull(pull, {"a": 0.5, "b": 1.0}).startswith("The weighted gradients of a and b are equally long.")


def test_a_strength_that_the_slider_does_not_have_is_drawn_between_its_places() -> None:
    penalty = penalties.DistancePenalty(0.0)
    lab = remember(
        PenaltyLab(
            lambda seed: models.twin_columns(models.lenet, PAIRS, seed=seed), PAIRS, penalty=penalty,
            strengths=[0.0, 0.1, 1.0, math.inf], steps=6, batch_size=32,
        )
    )  # fmt: skip
    penalty.strength = 0.37
    lab.run(2)
    assert "λ = 0.37." in lab.status
    assert list(lab._picture._strength.get_ydata()) == [0, 1.5, 1.5]
    lab.strength = 0.0  # the slider stands there, the penalty did not
    assert penalty.strength == 0.0


def four() -> datasets.Splits:
    """Four tasks, two of them with maps of answers."""
    generator = torch.Generator().manual_seed(0)
    tasks = (
        classification("detection", 3), pixel_classification("segmentation", 4), pixel_regression("depth"),
        regression("tracking", 2),
    )  # fmt: skip

    def split() -> datasets.MultiTaskDataset:
        images = torch.randint(256, (64, 1, 28, 28), dtype=torch.uint8, generator=generator)
        targets = {}
        for task in tasks:
            shape = task.target_shape(64, (28, 28))
            targets[task.name] = (
                torch.randint(task.output_size, shape, generator=generator)
                if task.is_classification
                else torch.rand(shape, generator=generator) + 0.5
            )
        return datasets.MultiTaskDataset(images, targets, tasks)

    return datasets.Splits("four", split(), split(), split())


class Steered(torch.nn.Module):
    """A model whose outputs are larger for preferred tasks."""

    def __init__(self, model: torch.nn.Module, names: list[str]) -> None:
        super().__init__()
        self.model, self.preference = model.eval(), dict.fromkeys(names, 1 / len(names))

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: output * self.preference[name] for name, output in self.model(images).items()}


def test_labs_take_four_tasks_with_maps_of_answers() -> None:
    data = four()

    def make(seed: int) -> models.HardSharing:
        return models.hard_sharing(partial(models.small_cnn, pool=0), data, seed=seed)

    lab = remember(LossWeightLab(make, data, steps=4, batch_size=16, validate_every=2, device="cpu"))
    lab.run(4)
    assert all(name in lab.status for name in ("detection", "segmentation", "depth", "tracking"))
    lab.reset()
    assert lab._former[0].name == "0.25 : 0.25 : 0.25 : 0.25"
    model = Steered(make(0), [task.name for task in data.tasks])
    steering = remember(SteerableLab(model, data.val))
    steering.sliders[1].value = 1.0
    assert "segmentation 0.57" in steering.status
    assert {line[0].name for line in steering._images._lines} == {"detection", "tracking"}
