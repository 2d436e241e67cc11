"""The labs of notebook 06 in a real JupyterLab: arrows, paths and the conflict meter follow their sliders."""

from __future__ import annotations

from typing import Any

import pytest
from test_lab_in_browser import open_lab, picture, press, status, step_of, wait

IMPORT = "from mtl_utils.lab import ArrowsLab, ConflictLab, ValleysLab\n"
SLIDERS = {
    "arrows": ("ArrowsLab(angles=(135,), lengths=(1.0, 2.0))", ["angle of second", "length of first", "length of second"]),
    "paths": ('ValleysLab("../studies/two_valleys.npz")', ["updates so far", "weight of the first loss", "c of CAGrad"]),
}


@pytest.mark.parametrize("name", SLIDERS)
def test_every_slider_moves_the_picture_and_the_words(notebook: Any, jupyter_lab: Any, name: str) -> None:
    lab, sliders = SLIDERS[name]
    page = open_lab(notebook, jupyter_lab, IMPORT + lab)
    for each in sliders:
        before, said = picture(page), status(page)
        page.get_by_role("slider", name=each, exact=True).focus()
        for _ in range(3):
            page.keyboard.press("ArrowLeft")
        wait(page, lambda before=before: picture(page) != before)
        if name == "paths" or each.startswith("angle"):
            wait(page, lambda said=said: status(page) != said)


def test_the_conflict_meter_measures_while_it_trains_and_its_slider_acts(notebook: Any, jupyter_lab: Any) -> None:
    lab = IMPORT + "lab = ConflictLab(make, pairs.train, steps=100_000, batch_size=64)\nlab"
    page = open_lab(notebook, jupyter_lab, lab, "print(lab.history.steps[-1].weights)")
    start = picture(page)
    press(page, "play")
    wait(page, lambda: "Below zero" in status(page))
    page.get_by_role("slider", name="weight of left", exact=True).focus()
    page.keyboard.press("Home")
    seen = step_of(page)
    wait(page, lambda: step_of(page) > seen + 5)
    press(page, "pause")
    notebook.run_cell(2)
    wait(page, lambda: "'left': 0.0, 'right': 1.0" in page.locator(".jp-OutputArea-output").last.inner_text())
    assert picture(page) != start
