"""A lab in the page of a notebook: made, its words and its picture read, its buttons pressed."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from browser.notebook_page import Notebook

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
# Every control of the lab is drawn, and its keys are its own. Until then, a box has empty elements in their places.
DRAWN = """() => {
    const lab = document.querySelector('.mtl-lab[data-lm-suppress-shortcuts="true"]');
    return lab && [lab, ...lab.querySelectorAll('.widget-box')].every(
        box => box.children.length && [...box.children].every(each => each.matches('button') || each.childElementCount)
    );
}"""


# Cells after the set-up get these sources, or none, and nothing is left of what they put out before.
WRITE_CELLS = """async sources => {
    await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
    const cells = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells;
    for (let i = 1; i < cells.length; i++) cells[i].setSource(sources[i - 1] ?? '');
}"""
VIEWPORT = {"width": 1500, "height": 1000}


def open_lab(notebook: Notebook, lab: str = LAB, *more: str) -> Any:
    """A notebook with a set-up cell, a lab and more cells; the first two are run. Returns the page."""
    notebook.open(notebook.lab.write("lab.ipynb", SET_UP, lab, *more))
    notebook.run_cell(0)
    notebook.wait_until_idle()
    return _run_lab(notebook)


@dataclass
class LabPage:
    """A notebook that shows one lab after the other, with the same kernel.

    Attributes:
        notebook: a set-up cell that has run, the cell of the lab, and two more cells.
    """

    notebook: Notebook

    def __post_init__(self) -> None:
        """Open the notebook, and run the set-up cell."""
        self.notebook.open(self.notebook.lab.write("labs.ipynb", SET_UP, "", "", ""))
        self.notebook.run_cell(0)
        self.notebook.wait_until_idle()

    def write(self, *cells: str) -> None:
        """Write the cells after the set-up, and take away whatever they have put out."""
        self.notebook.page.evaluate(WRITE_CELLS, cells)
        self.notebook.page.wait_for_function("() => !document.querySelector('.jp-OutputArea-output')")

    def show(self, lab: str = LAB, *more: str, viewport: dict[str, int] = VIEWPORT) -> Any:
        """Write the lab and at most two more cells, and run the lab, which closes the one before. Returns the page."""
        self.notebook.page.set_viewport_size(viewport)
        self.write(lab, *more)
        return _run_lab(self.notebook)


def _run_lab(notebook: Notebook) -> Any:
    """Run the lab's cell, and wait until the lab is drawn and answers."""
    page = notebook.page
    notebook.run_cell(1)
    notebook.wait_until_idle()
    page.wait_for_selector("img.widget-image")
    page.wait_for_function(DRAWN)
    # The lab's own words come a moment after the last cell has finished.
    wait(page, lambda: (said := status(page)) and "waiting for the other cells" not in said)
    return page


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
