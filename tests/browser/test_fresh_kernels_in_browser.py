"""The lab in a fresh kernel and a page of its own: the first touch, a page that is closed, and *Run All Cells*."""

from __future__ import annotations

import re
import time
from typing import Any

from browser.lab_page import FACTS, LAB, SET_UP, open_lab, output_of, picture, press, status, step_of, wait

# Writes into a file whether the lab is playing, for when there is no page that could tell.
TELL = """
import asyncio, pathlib
async def tell():
    while True:
        pathlib.Path("playing.txt").write_text(str(lab.playing))
        await asyncio.sleep(0.2)
telling = asyncio.create_task(tell())
"""


def test_the_first_touch_of_a_slider_while_training_runs_reaches_the_loop(notebook: Any) -> None:
    page = open_lab(notebook)
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


def test_when_the_page_is_closed_the_training_pauses(notebook: Any) -> None:
    page = open_lab(notebook, LAB, FACTS, TELL)
    told = notebook.lab.folder / "playing.txt"
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
    wait(page, lambda: '"execution_count": 2' in (notebook.lab.folder / "lab.ipynb").read_text())
    page.goto("about:blank")
    until = time.monotonic() + 120
    while told.read_text() != "False":
        assert time.monotonic() < until, "it goes on training"
        page.wait_for_timeout(200)
    again = notebook.open("lab.ipynb")
    assert "labs playing 0" in output_of(again, 2)


def test_run_all_leaves_no_dead_lab(notebook: Any) -> None:
    page = notebook.page
    # As long as the page needs, however slow it is: until the test says so.
    slow = "import pathlib, time\nwhile not pathlib.Path('enough.txt').exists():\n    time.sleep(0.1)"
    enough = notebook.lab.folder / "enough.txt"
    enough.unlink(missing_ok=True)
    notebook.open(notebook.lab.write("all.ipynb", SET_UP, LAB, slow))
    notebook.run_all()
    page.wait_for_selector("img.widget-image")
    wait(page, lambda: "waiting for the other cells" in status(page))
    for _ in range(3):
        press(page, "step")
    # The kernel does not answer while the cell runs, so nothing tells that the clicks have arrived. They have time to.
    page.wait_for_timeout(5000)
    enough.touch()
    notebook.wait_until_idle()
    wait(page, lambda: status(page).startswith("Paused, step 1 of"))
    page.wait_for_timeout(1500)
    assert step_of(page) == 1
    before = picture(page)
    press(page, "play")
    wait(page, lambda: step_of(page) > 5 and picture(page) != before)
    assert not notebook.errors()
