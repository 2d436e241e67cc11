"""Weights of the lab: sliders, assignments, and what is refused."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from small_labs import live, make_lab, remember, small_data, until

from mtl_utils import balancing, models
from mtl_utils.lab import LossWeightLab
from mtl_utils.tasks import classification

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


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
