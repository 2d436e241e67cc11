"""The labs of notebook 06 in a real JupyterLab: arrows, paths and the conflict meter follow their sliders."""

from __future__ import annotations

import pytest
from browser.lab_page import LabPage, output_of, picture, press, status, step_of, wait

IMPORT = "from mtl_utils.lab import ArrowsLab, ConflictLab, ValleysLab\n"
SLIDERS = {
    "arrows": ("ArrowsLab(angles=(135,), lengths=(1.0, 2.0))", ["angle of second", "length of first", "length of second"]),
    "paths": ('ValleysLab("../studies/two_valleys.npz")', ["updates so far", "weight of the first loss", "c of CAGrad"]),
}


@pytest.mark.parametrize("name", SLIDERS)
def test_every_slider_moves_the_picture_and_the_words(labs: LabPage, name: str) -> None:
    lab, sliders = SLIDERS[name]
    page = labs.show(IMPORT + lab)
    for each in sliders:
        before, said = picture(page), status(page)
        page.get_by_role("slider", name=each, exact=True).focus()
        for _ in range(3):
            shown = picture(page), status(page)
            page.keyboard.press("ArrowLeft")
            # Each answer before the next key: a late one would pass for that of the next slider.
            wait(page, lambda shown=shown: (picture(page), status(page)) != shown)
        assert picture(page) != before
        if name == "paths" or each.startswith("angle"):
            assert status(page) != said


def test_the_conflict_meter_measures_while_it_trains_and_its_slider_acts(labs: LabPage) -> None:
    lab = IMPORT + "lab = ConflictLab(make, pairs.train, steps=100_000, batch_size=64)\nlab"
    page = labs.show(lab, "print(lab.history.steps[-1].weights)")
    start = picture(page)
    press(page, "play")
    wait(page, lambda: "Below zero" in status(page))
    page.get_by_role("slider", name="weight of left", exact=True).focus()
    page.keyboard.press("Home")
    seen = step_of(page)
    wait(page, lambda: step_of(page) > seen + 5)
    # This lab's words do not tell the weights. While it trains: paused too soon, its last step would have the old ones.
    wait(page, lambda: "'left': 0.0, 'right': 1.0" in output_of(labs.notebook, 2, r"\{.*\}"))
    press(page, "pause")
    wait(page, lambda: status(page).startswith("Paused"))
    assert picture(page) != start
