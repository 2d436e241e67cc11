"""A run of the lab: play, step, pause, reset, and the numbers of the training loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import torch
from small_labs import factory, live, make_lab, remember, small_data, until

from mtl_utils import balancing, training
from mtl_utils.analysis import pull as probe
from mtl_utils.evaluation import evaluate
from mtl_utils.lab import LossWeightLab

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


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
