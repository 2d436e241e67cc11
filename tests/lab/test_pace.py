"""A pace that a hand can follow: speed, pausing at a step, going on after the end, and what happens while other cells run."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from mtl_utils import balancing, datasets, models, training
from mtl_utils.lab import ConcaveFrontLab, LossWeightLab
from mtl_utils.lab.engine import other_cells
from mtl_utils.lab.engine.other_cells import OtherCells

PAIRS = datasets.multi_mnist(96, 32, 32)
ARGUMENTS: dict[str, Any] = {"batch_size": 32, "validate_every": 4, "device": "cpu"}
_made: list[Any] = []


def make(seed: int) -> torch.nn.Module:
    return models.hard_sharing(models.lenet, PAIRS, seed=seed)


def make_lab(**arguments: Any) -> LossWeightLab:
    lab = LossWeightLab(make, PAIRS, **({"steps": 10, "speed": math.inf} | ARGUMENTS | arguments))
    _made.append(lab)
    return lab


@pytest.fixture(autouse=True)
def closed_afterwards() -> Iterator[None]:
    yield
    for lab in _made:
        lab.close()
    _made.clear()


def live(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 60))


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


# Going on after the end.


def test_a_run_that_went_on_is_the_run_that_was_long_from_the_beginning() -> None:
    lab = make_lab(steps=7)
    lab.run(100)
    assert lab.status.startswith("Finished, step 7 of 7")
    assert not lab.more_button.disabled
    lab.extend(6)
    assert lab.status.startswith("Paused, step 7 of 13")
    lab.run(100)
    history, model = lab.history, lab.model
    lab.close()
    alone = make(0)
    expected = training.fit(alone, PAIRS, steps=13, balancer=balancing.WeightedSum("mean"), progress=False, **ARGUMENTS)
    assert [step.losses for step in history.steps] == [step.losses for step in expected.steps]
    assert history.stopped == expected.stopped == "finished"
    assert [step.number for step in history.validations] == [4, 7, 8, 12, 13]  # one more, at the first end
    if history.best_step == expected.best_step:
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), alone.parameters(), strict=True))


def test_a_run_can_be_made_longer_before_it_begins_and_on_the_way() -> None:
    lab = make_lab(steps=3)
    lab.extend(2)
    lab.run(4)
    lab.extend()  # by its first length
    lab.run(100)
    assert [step.number for step in lab.history.steps] == list(range(1, 9))
    lab.reset()
    lab.run(100)
    assert len(lab.history.steps) == 3  # a new run has the first length


def test_the_button_goes_on_once_and_plays() -> None:
    async def test() -> None:
        lab = make_lab(steps=4)
        assert lab.more_button.disabled
        lab.run(4)
        lab.more_button.click()
        lab.more_button.click()
        assert lab.playing
        await until(lambda: not lab.playing)
        assert lab.status.startswith("Finished, step 8 of 8")

    live(test)


def test_a_run_that_a_problem_or_patience_ended_cannot_go_on() -> None:
    lab = make_lab(optimizer=lambda groups: torch.optim.SGD(groups, lr=1e12))
    with pytest.raises(training.NonFiniteLossError):
        lab.run(10)
    with pytest.raises(ValueError, match="this run cannot go on: the loss of task"):
        lab.extend(5)
    assert lab.more_button.disabled
    early = make_lab(steps=1000, patience=1, validate_every=1, optimizer=training.adam(0.3))
    early.run(1000)
    assert len(early.history.steps) < 1000
    with pytest.raises(ValueError, match="stopped early"):
        early.extend(5)


@pytest.mark.parametrize("steps", [0, -1, 2.5])
def test_going_on_by_no_number_of_steps_is_refused(steps: Any) -> None:
    with pytest.raises(ValueError, match="steps must be a whole number above zero"):
        make_lab().extend(steps)


def test_a_driver_of_the_training_loop_may_ask_for_more_steps() -> None:
    loop = training.train(make(0), PAIRS, steps=2, **ARGUMENTS)
    numbers = [next(loop).number, next(loop).number, loop.send(2).number, *(step.number for step in loop)]
    assert numbers == [1, 2, 3, 4]
    refused = training.train(make(0), PAIRS, steps=2, **ARGUMENTS)
    next(refused)
    with pytest.raises(ValueError, match="steps must be a whole number above zero"):
        refused.send(0)


def test_a_schedule_that_can_go_on_does_and_one_that_cannot_says_so() -> None:
    going = make_lab(steps=3, schedule=lambda o: torch.optim.lr_scheduler.StepLR(o, 2, 0.5))
    going.extend(3)
    going.run(6)
    assert len(going.history.steps) == 6
    ending = make_lab(steps=3, schedule=lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.01, total_steps=3))
    ending.run(3)
    ending.extend(3)
    with pytest.raises(ValueError, match="total steps"):
        ending.run(3)
    assert "total steps" in ending.status


# Speed, and pausing at a step.


def test_a_slow_lab_makes_no_more_steps_than_it_says_and_a_new_speed_holds_at_once() -> None:
    async def test() -> None:
        lab = make_lab(steps=1000, speed=1)
        lab.play()
        await asyncio.sleep(0.3)
        assert len(lab.history.steps) == 1
        lab.speed = 200
        assert lab.speed_choice.value == 200
        await until(lambda: len(lab.history.steps) > 5)  # without waiting for the end of the long rest
        lab.pause()
        await until(lambda: not lab.playing)

    live(test)


def test_a_touch_in_a_long_rest_is_shown_at_once_and_pause_ends_the_rest() -> None:
    async def test() -> None:
        lab = make_lab(steps=1000, speed=1)
        lab.play()
        await until(lambda: len(lab.history.steps) == 1)
        lab.sliders["left"].value = 0.9
        await until(lambda: "left 0.9" in lab.status)
        assert len(lab.history.steps) == 1
        lab.pause()
        await asyncio.sleep(0.05)
        assert not lab.playing

    live(test)


@pytest.mark.parametrize("speed", [0, 3, -1, float("nan")])
def test_a_speed_that_the_list_does_not_have_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="the speed must be one of 1, 2, 5"):
        make_lab(speed=speed)
    lab = make_lab()
    with pytest.raises(ValueError, match="the speed must be one of"):
        lab.speed = speed
    assert lab.speed == math.inf


def test_it_pauses_at_the_step_that_was_asked_for_and_play_goes_on() -> None:
    async def test() -> None:
        lab = make_lab(steps=12)
        lab.pause_at.value = 5
        lab.play()
        await until(lambda: not lab.playing)
        assert lab.status.startswith("Paused, step 5 of 12")
        lab.play()
        await until(lambda: not lab.playing)
        assert lab.status.startswith("Finished, step 12 of 12")
        lab.reset()
        lab.play()
        await until(lambda: not lab.playing)
        assert len(lab.history.steps) == 5

    live(test)


# Errors in drawing.


def test_an_error_in_drawing_pauses_the_training_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        lab = make_lab(steps=1000)
        draw = lab._picture.draw
        monkeypatch.setattr(lab._picture, "draw", lambda *_: 1 / 0)
        lab.play()
        await until(lambda: not lab.playing)
        assert "the picture could not be drawn: division by zero" in lab.status
        assert "Paused, step" in lab.status
        assert not lab.play_button.disabled
        with pytest.raises(ZeroDivisionError):
            lab.run(1)
        monkeypatch.setattr(lab._picture, "draw", draw)
        lab.run(1)
        assert lab.status.startswith("Paused, step")

    live(test)


# Other cells.


class Events:
    """IPython's, as far as labs know them."""

    def __init__(self) -> None:
        self.registered: dict[str, list[Callable[[], None]]] = {"pre_execute": [], "post_execute": []}

    def register(self, event: str, action: Callable[[], None]) -> None:
        self.registered[event].append(action)

    def unregister(self, event: str, action: Callable[[], None]) -> None:
        self.registered[event].remove(action)

    def trigger(self, event: str) -> None:
        for action in list(self.registered[event]):
            action()


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    made = Events()
    monkeypatch.setattr(other_cells, "_shell", lambda: SimpleNamespace(events=made))
    monkeypatch.setattr(other_cells, "_UNANSWERED", 0.05)
    monkeypatch.setattr(other_cells, "_QUIET", 0.1)
    return made


def test_while_another_cell_computes_the_lab_says_so_and_acts_once_on_what_was_clicked(events: Events) -> None:
    async def test() -> None:
        lab = make_lab(steps=1000)
        events.trigger("post_execute")
        await until(lambda: lab.status.startswith("Paused"))
        events.trigger("pre_execute")  # another cell, which computes for a while
        time.sleep(0.3)
        assert lab.status == "This lab is waiting for the other cells to finish; then you can use it."
        for _ in range(3):
            lab.play_button.click()
        for _ in range(3):
            lab.step_button.click()
        assert lab.status == "This lab is waiting for the other cells to finish; then: step."
        assert len(lab.history.steps) == 0
        events.trigger("post_execute")
        events.trigger("pre_execute")  # and one more
        time.sleep(0.2)
        events.trigger("post_execute")
        await until(lambda: lab.status.startswith("Paused, step 1 of"))
        await asyncio.sleep(0.2)
        assert len(lab.history.steps) == 1

    live(test)


def test_a_cell_that_leaves_the_event_loop_free_keeps_no_lab_waiting(events: Events) -> None:
    async def test() -> None:
        lab = make_lab(steps=100_000)
        lab.play()
        # The cell that made it is still running, and awaits something.
        await until(lambda: lab.status.startswith("Playing, step") and not lab.status.startswith("Playing, step 0 "))
        lab.pause()
        await until(lambda: not lab.playing)

    live(test)


def test_a_closed_lab_listens_no_more(events: Events) -> None:
    async def test() -> None:
        ConcaveFrontLab().close()
        assert events.registered == {"pre_execute": [], "post_execute": []}
        watch = OtherCells(asyncio.get_running_loop(), lambda: None, lambda: None)
        watch.close()
        watch.close()

    live(test)
