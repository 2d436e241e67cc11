"""Each lab with the keyboard alone, in a small window, while other cells run, and as axe-core sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import axe_playwright_python
import nbformat
import pytest
from browser.lab_page import LabPage, press, status, step_of, wait
from playwright.sync_api import expect

LABS = {
    "loss weights": "lab = LossWeightLab(make, pairs, steps=100_000, batch_size=64, speed=50)\nlab",
    "concave front": "lab = ConcaveFrontLab()\nlab",
    "penalty": "columns = lambda seed: models.twin_columns(models.lenet, pairs, seed=seed)\n"
    "lab = PenaltyLab(columns, pairs, penalty=penalties.DecoupledDistancePenalty(0.0, 1e-3),\n"
    "                 strengths=[0.0, 1.0, 10.0, float('inf')], steps=100_000, batch_size=64)\nlab",
    "steerable": "model = models.pareto_manifold(make)\n"
    "training.fit(model, pairs.train, steps=20, batch_size=64, balancer=balancing.PreferenceSum(), progress=False)\n"
    "lab = SteerableLab(model, pairs.val)\nlab",
    "arrows": "lab = ArrowsLab(angles=(120, 165), lengths=(1.0, 1.0, 1.5))\nlab",
    "valleys": "lab = ValleysLab('../studies/two_valleys.npz')\nlab",
    "conflict": "lab = ConflictLab(make, pairs.train, steps=100_000, batch_size=64, speed=50)\nlab",
    "detection": "import torch\n"
    "scenes = datasets.moving_scenes(8, 4, 4, source='FashionMNIST', size=48).pairs()\n"
    "lab = LossWeightLab(lambda seed: models.scene_network(scenes, seed=seed), scenes.train,\n"
    "                    val=scenes.val.subset(torch.arange(8)), samples=scenes.val.subset([1, 9]),\n"
    "                    weights=dict.fromkeys(scenes.train.targets, 1.0), scale='logarithmic',\n"
    "                    limits=(0.01, 100.0), batch_size=8, steps=100_000)\nlab",
    "threshold": "import torch\n"
    "lab = ThresholdLab(torch.linspace(0, 1, 200), torch.arange(200) % 3 > torch.arange(200) % 2, called='stained')\nlab",
}
TRAINING = [name for name in LABS if name not in ("steerable", "arrows", "valleys", "threshold")]
# The sliders of each lab, by their names.
SLIDERS = {
    "loss weights": ["left", "right"],
    "concave front": ["weight of the first loss"],
    "penalty": ["strength λ"],
    "steerable": ["left ⟷ right"],
    "arrows": [
        "angle of second", "angle of third", "length of first", "length of second", "length of third", "c of CAGrad",
    ],
    "valleys": ["updates so far", "weight of the first loss", "c of CAGrad"],
    "conflict": ["weight of left"],
    "detection": ["detection", "segmentation", "depth", "tracking"],
    "threshold": ["threshold"],
}  # fmt: skip
AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js"))


@pytest.mark.parametrize("name", LABS)
def test_axe_finds_nothing_serious(labs: LabPage, name: str) -> None:
    page = labs.show(LABS[name])
    if name in TRAINING:
        press(page, "play")
        wait(page, lambda: step_of(page) > 3)
        press(page, "pause")
        wait(page, lambda: status(page).startswith("Paused"))
    problems = serious_problems(page, ".mtl-lab")
    assert not problems, json.dumps(problems, indent=1)


def serious_problems(page: Any, where: str) -> list[tuple[str, str, list[str]]]:
    """What axe finds in a part of the page, with the HTML of each place."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("where => axe.run(where, {resultTypes: ['violations']})", where)
    assert found["passes"], "axe has looked at nothing"
    return [
        (violation["id"], violation["help"], [node["html"][:200] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def test_axe_finds_nothing_serious_in_the_slider_of_the_first_notebook(labs: LabPage) -> None:
    cells = nbformat.read(labs.notebook.lab.folder / "00_start_here.ipynb", as_version=4).cells
    slider = next(cell.source for cell in cells if cell.cell_type == "code" and "slider = " in cell.source)
    labs.write(slider)
    labs.notebook.run_cell(1)
    labs.notebook.wait_until_idle()
    page = labs.notebook.page
    moved = page.get_by_role("slider", name="weight", exact=True)
    moved.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("a weight of 0.55 for left, 0.45 for right").wait_for()
    assert moved.get_attribute("aria-valuetext") == "0.55"
    assert not serious_problems(page, ".jp-OutputArea-output")


@pytest.mark.parametrize("name", LABS)
def test_sliders_have_names_and_say_what_they_show_and_the_picture_has_a_text(labs: LabPage, name: str) -> None:
    page = labs.show(LABS[name])
    sliders = page.get_by_role("slider")
    assert sliders.count() == len(SLIDERS[name])
    before = page.locator("img.widget-image").get_attribute("alt")
    for each in SLIDERS[name]:
        slider = page.get_by_role("slider", name=each, exact=True)
        slider.focus()
        page.keyboard.press("ArrowRight")
        said, shown = page.locator(".mtl-slider", has=slider).evaluate(
            "slider => [slider.querySelector('input').ariaValueText, slider.querySelector('.mtl-slider-value').innerText]"
        )
        assert said == shown
    text = page.locator("img.widget-image")
    # The lab may be busy with the sliders that were moved, and says so.
    wait(page, lambda: not status(page).startswith("This lab is waiting"))
    if name != "conflict":  # its picture does not change before it has measured something
        # Before the next line, which is true of the words and the text before any slider was moved, too.
        wait(page, lambda: text.get_attribute("alt") != before)
    wait(page, lambda: status(page).splitlines()[0] in text.get_attribute("alt"))


def test_a_logarithmic_slider_says_the_weight_and_not_its_exponent(labs: LabPage) -> None:
    lab = (
        "lab = LossWeightLab(make, pairs, weights={'left': 0.01, 'right': 1.0}, limits=(1e-3, 10.0), scale='logarithmic')\nlab"
    )
    page = labs.show(lab)
    slider = page.get_by_role("slider", name="left", exact=True)
    assert slider.get_attribute("aria-valuetext") == "0.01"
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "0.0126"
    wait(page, lambda: "left 0.0126" in status(page))


def test_all_by_keyboard(labs: LabPage) -> None:
    page = labs.show(LABS["loss weights"])
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    page.locator("button.widget-button", has_text="play").focus()
    page.keyboard.press("Enter")
    wait(page, lambda: step_of(page) > 3)
    focused = "() => document.activeElement.innerText.trim()"
    wait(page, lambda: page.evaluate(focused) == "pause")  # play is of no use now
    page.keyboard.press("Space")
    wait(page, lambda: status(page).startswith("Paused"))
    wait(page, lambda: page.evaluate(focused) == "step")  # nor is pause now
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.type") == "range":
            break
    page.keyboard.press("ArrowLeft")
    wait(page, lambda: "left 0.49" in status(page))
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells
    assert not labs.notebook.errors()


@pytest.mark.parametrize("name", LABS)
def test_a_small_window_needs_no_horizontal_scrollbar_and_shows_sliders_and_picture_together(labs: LabPage, name: str) -> None:
    page = labs.show(LABS[name], viewport={"width": 1366, "height": 768})
    expect(page.locator(".jp-DirListing")).to_be_visible(timeout=120_000)  # the file browser takes its part of the width
    facts = """() => {
        const box = element => element.getBoundingClientRect();
        const lab = document.querySelector('.mtl-lab'), output = lab.closest('.jp-OutputArea-output');
        const last = box(document.querySelector('img.widget-image')), first = box(document.querySelector('.mtl-slider'));
        const panel = document.querySelector('.jp-WindowedPanel-outer');
        return {
            scrolls: [lab, output, panel].some(each => each.scrollWidth > each.clientWidth + 1),
            height: last.bottom - first.top, words: box(document.querySelector('[role="status"]')).height,
        };
    }"""
    before = page.evaluate(facts)
    assert not before["scrolls"]
    assert before["height"] <= 625
    if name in TRAINING:
        press(page, "play")
        wait(page, lambda: step_of(page) > 25)
        press(page, "pause")
        wait(page, lambda: status(page).startswith("Paused"))
    after = page.evaluate(facts)
    assert after == before  # nor do the words push the page
