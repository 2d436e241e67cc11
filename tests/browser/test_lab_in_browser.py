"""The lab in a real JupyterLab: sliders moved while training runs, buttons, and the cell run again."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

SET_UP = """
import os
from mtl_utils import balancing, datasets, models, penalties, training
from mtl_utils.lab import ArrowsLab, ConcaveFrontLab, ConflictLab, LossWeightLab, PenaltyLab, SteerableLab, ThresholdLab
from mtl_utils.lab import ValleysLab
pairs = datasets.multi_mnist(train=1000, val=200, test=200)
make = lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed)
"""
LAB = "lab = LossWeightLab(make, pairs, steps=100_000, batch_size=64, speed=200)\nlab"
# What the kernel knows, printed, so that the page can tell.
FACTS = """
import asyncio, ipywidgets
print("steps", len(lab.history.steps), "last", lab.history.steps[-1].weights if lab.history.steps else None)
print("labs playing", sum("Player._play" in repr(task) for task in asyncio.all_tasks()))
print("widgets", len(ipywidgets.widgets.widget._instances))
print("that is all")
"""
ALL_FACTS = "that is all"
# Writes into a file whether the lab is playing, for when there is no page that could tell.
TELL = """
import asyncio, pathlib
async def tell():
    while True:
        pathlib.Path("playing.txt").write_text(str(lab.playing))
        await asyncio.sleep(0.2)
telling = asyncio.create_task(tell())
"""
# Every control of the lab is drawn, and its keys are its own. Until then, a box has empty elements in their places.
DRAWN = """() => {
    const lab = document.querySelector('.mtl-lab[data-lm-suppress-shortcuts="true"]');
    return lab && [lab, ...lab.querySelectorAll('.widget-box')].every(
        box => box.children.length && [...box.children].every(each => each.matches('button') || each.childElementCount)
    );
}"""


def open_lab(notebook: Any, jupyter_lab: Any, lab: str = LAB, *more: str) -> Any:
    """A notebook with a set-up cell, a lab and more cells; the first two are run. Returns the page."""
    notebook.open(jupyter_lab.write("lab.ipynb", SET_UP, lab, *more))
    notebook.run_cell(0)
    notebook.wait_until_idle()
    notebook.run_cell(1)
    notebook.wait_until_idle()
    notebook.page.wait_for_selector("img.widget-image")
    notebook.page.wait_for_function(DRAWN)
    # The lab's own words come a moment after the last cell has finished.
    wait(notebook.page, lambda: (said := status(notebook.page)) and "waiting for the other cells" not in said)
    return notebook.page


def status(page: Any) -> str:
    return str(page.locator('[role="status"]').last.inner_text())


def step_of(page: Any) -> int:
    found = re.search(r"step ([\d,]+) of", status(page))
    return int(found[1].replace(",", "")) if found else -1


def distance_of(page: Any) -> float:
    """The sum of the distances between columns that the words tell."""
    told = re.search(r"Distance between the columns: (.*)\.", status(page))
    return sum(float(number) for number in re.findall(r" ([\d.e+-]+)(?:,|$)", " " + told[1])) if told else -1


def picture(page: Any) -> str:
    return hashlib.sha1(page.evaluate(READ_PICTURE).encode()).hexdigest()


READ_PICTURE = """async () => {
    const blob = await (await fetch(document.querySelector('img.widget-image').src)).blob();
    return await new Promise(done => {
        const reader = new FileReader();
        reader.onload = () => done(reader.result);
        reader.readAsDataURL(blob);
    });
}"""


def place_of_the_picture(page: Any) -> Any:
    """Where it is on the notebook's page, and how large: it must never jump."""
    return page.evaluate("""() => {
        const box = element => element.getBoundingClientRect();
        const picture = box(document.querySelector('img.widget-image')), cell = box(document.querySelectorAll('.jp-Cell')[1]);
        return [picture.x - cell.x, picture.y - cell.y, picture.width, picture.height];
    }""")


def wait(page: Any, condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait until something is so. As long as it may take on a slow computer: what happens at once takes no longer for it."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"it did not happen within {seconds} s; the lab says: {status(page)}")
        page.wait_for_timeout(50)


def output_of(notebook: Any, cell: int, whole: str = ALL_FACTS) -> str:
    """Run a cell. What it printed comes back when `whole`, a regular expression, is found at its end.

    JupyterLab draws an output a moment after the cell has finished.
    """
    notebook.run_cell(cell)
    notebook.wait_until_idle()
    output = notebook.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-OutputArea-output").last
    wait(notebook.page, lambda: re.search(rf"(?:{whole})\s*$", output.inner_text()))
    return str(output.inner_text())


def button(page: Any, name: str) -> Any:
    return page.locator("button.widget-button", has_text=name)


def press(page: Any, name: str) -> None:
    button(page, name).click()


def test_the_first_touch_of_a_slider_while_training_runs_reaches_the_loop(notebook: Any, jupyter_lab: Any) -> None:
    page = open_lab(notebook, jupyter_lab)
    press(page, "play")  # the only message before the touch
    wait(page, lambda: step_of(page) > 5)
    assert "left 0.5, right 0.5" in status(page)
    handle = page.locator(".mtl-slider input").first
    handle.focus()
    page.keyboard.press("ArrowRight")
    wait(page, lambda: "left 0.51, right 0.5" in status(page))
    seen = step_of(page)
    wait(page, lambda: step_of(page) > seen)  # and it goes on training
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    wait(page, lambda: "left 0.61, right 0.5" in status(page))
    assert status(page).startswith("Playing")


def test_play_pause_step_reset(notebook: Any, jupyter_lab: Any) -> None:
    page = open_lab(notebook, jupyter_lab, LAB, FACTS)
    start, place = picture(page), place_of_the_picture(page)
    press(page, "step")
    wait(page, lambda: step_of(page) == 1)
    press(page, "play")
    wait(page, lambda: step_of(page) > 20)
    expect(button(page, "play")).to_be_disabled(timeout=120_000)
    press(page, "pause")
    wait(page, lambda: status(page).startswith("Paused"))
    seen = step_of(page)
    page.wait_for_timeout(1000)
    assert step_of(page) == seen
    trained = picture(page)
    assert trained != start
    assert place_of_the_picture(page) == place
    assert f"steps {seen} " in output_of(notebook, 2)
    assert step_of(page) == seen
    assert "labs playing 0" in output_of(notebook, 2)
    press(page, "play")
    wait(page, lambda: step_of(page) > seen)
    press(page, "reset")
    wait(page, lambda: step_of(page) == 0)
    assert status(page).startswith("Paused")
    assert picture(page) != trained
    assert place_of_the_picture(page) == place
    # A slider moved while paused shows at once.
    before = picture(page)
    page.locator(".mtl-slider input").first.focus()
    page.keyboard.press("ArrowRight")
    wait(page, lambda: picture(page) != before)
    assert "left 0.51" in status(page)
    assert place_of_the_picture(page) == place
    assert not notebook.errors()


def test_running_the_cell_again_leaves_one_lab_and_one_loop(notebook: Any, jupyter_lab: Any) -> None:
    page = open_lab(notebook, jupyter_lab, LAB, FACTS)
    counts = set()
    for _ in range(3):
        press(page, "play")
        wait(page, lambda: step_of(page) > 3)
        said = output_of(notebook, 2)
        assert "labs playing 1" in said
        counts.add(re.search(r"widgets (\d+)", said)[1])  # type: ignore[index]
        notebook.run_cell(1)
        notebook.wait_until_idle()
        wait(page, lambda: step_of(page) == 0)
        page.wait_for_function(DRAWN)
        assert "labs playing 0" in output_of(notebook, 2)
    assert len(counts) == 1


def test_other_cells_run_while_it_trains_and_nothing_is_printed_into_them(notebook: Any, jupyter_lab: Any) -> None:
    page = open_lab(notebook, jupyter_lab, LAB, "print('hello')")
    press(page, "play")
    wait(page, lambda: step_of(page) > 3)
    assert output_of(notebook, 2, "hello").strip() == "hello"
    seen = step_of(page)
    wait(page, lambda: step_of(page) > seen)
    outputs = page.locator(".jp-Notebook .jp-Cell").nth(2).locator(".jp-OutputArea-output")
    assert outputs.count() == 1
    assert outputs.inner_text().strip() == "hello"
    assert not notebook.errors()


def test_when_the_page_is_closed_the_training_pauses(notebook: Any, jupyter_lab: Any) -> None:
    page = open_lab(notebook, jupyter_lab, LAB, FACTS, TELL)
    told = jupyter_lab.folder / "playing.txt"
    told.unlink(missing_ok=True)
    notebook.run_cell(3)
    press(page, "play")
    wait(page, lambda: step_of(page) > 3)
    wait(page, lambda: told.exists() and told.read_text() == "True")
    page.wait_for_timeout(7000)  # longer than the silence after which the page would be taken for closed
    assert status(page).startswith("Playing")
    # From the menu: keys that are pressed in the lab belong to the lab.
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Save Notebook(?! As)")).click()  # its key is part of its name
    wait(page, lambda: '"execution_count": 2' in (jupyter_lab.folder / "lab.ipynb").read_text())
    page.goto("about:blank")
    until = time.monotonic() + 120
    while told.read_text() != "False":
        assert time.monotonic() < until, "it goes on training"
        page.wait_for_timeout(200)
    again = notebook.open("lab.ipynb")
    assert "labs playing 0" in output_of(again, 2)


def test_the_steerable_slider_changes_the_picture_without_training(notebook: Any, jupyter_lab: Any) -> None:
    steer = (
        "model = models.pareto_manifold(make)\n"
        "training.fit(model, pairs.train, steps=20, batch_size=64, balancer=balancing.PreferenceSum(), progress=False)\n"
        "lab = SteerableLab(model, pairs.val)\nlab"
    )
    page = open_lab(notebook, jupyter_lab, steer)
    before, said = picture(page), status(page)
    assert "left 0.50, right 0.50" in said
    page.locator(".mtl-slider input").first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    wait(page, lambda: "left 0.30, right 0.70" in status(page))
    assert picture(page) != before
    assert button(page, "play").count() == 0


def test_the_concave_front_plays(notebook: Any, jupyter_lab: Any) -> None:
    page = open_lab(notebook, jupyter_lab, "ConcaveFrontLab()")
    press(page, "play")
    wait(page, lambda: step_of(page) > 30)
    page.locator(".mtl-slider input").first.focus()
    page.keyboard.press("ArrowRight")
    wait(page, lambda: "first 0.51" in status(page))


def test_the_penalty_slider_acts_while_it_trains(notebook: Any, jupyter_lab: Any) -> None:
    slider = (
        "columns = lambda seed: models.twin_columns(models.lenet, pairs, seed=seed)\n"
        "lab = PenaltyLab(columns, pairs, penalty=penalties.DecoupledDistancePenalty(0.0, 1e-3),\n"
        "                    strengths=[0.0, 1.0, 10.0, float('inf')], steps=100_000, batch_size=64, speed=200)\nlab"
    )
    page = open_lab(notebook, jupyter_lab, slider, "print(len(lab.history.steps), lab.penalty.strength)")
    start, place = picture(page), place_of_the_picture(page)
    press(page, "play")
    wait(page, lambda: step_of(page) > 5)
    assert "λ = 0." in status(page)
    apart = distance_of(page)
    assert apart > 0
    page.locator(".mtl-slider input").first.focus()
    page.keyboard.press("ArrowRight")
    wait(page, lambda: "λ = 1." in status(page))
    seen = step_of(page)
    wait(page, lambda: step_of(page) > seen)  # and it goes on training
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    wait(page, lambda: "λ = ∞." in status(page))
    wait(page, lambda: distance_of(page) < apart / 100)  # hard sharing: the columns are one, but for a step's difference
    assert status(page).startswith("Playing")
    press(page, "pause")
    wait(page, lambda: status(page).startswith("Paused"))
    assert picture(page) != start
    assert place_of_the_picture(page) == place
    assert output_of(notebook, 2, r"\S+ \S+").strip() == f"{step_of(page)} inf"
    assert not notebook.errors()


def test_a_loss_that_explodes_is_told_in_words_and_reset_works(notebook: Any, jupyter_lab: Any) -> None:
    explode = (
        "import torch\n"
        "lab = LossWeightLab(make, pairs, batch_size=64, optimizer=lambda groups: torch.optim.SGD(groups, lr=1e12))\nlab"
    )
    page = open_lab(notebook, jupyter_lab, explode)
    press(page, "play")
    wait(page, lambda: "the loss of task" in status(page))
    assert "Stopped" in status(page)
    press(page, "reset")
    wait(page, lambda: status(page).startswith("Paused, step 0"))
    assert not notebook.errors()
