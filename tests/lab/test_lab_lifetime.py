"""Coming and going of labs: closing, re-run cells, silent pages, pace of pictures."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ipywidgets.widgets import widget as widget_module
from small_labs import live, make_lab, remember, small_data, until

from mtl_utils import models
from mtl_utils.lab import LossWeightLab
from mtl_utils.lab.engine import open_labs, player, presence

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


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
