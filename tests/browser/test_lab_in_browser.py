"""The lab in a real JupyterLab: sliders moved while training runs, buttons, and the cell run again."""

from __future__ import annotations

import re

from browser.lab_page import (
    DRAWN,
    FACTS,
    LAB,
    LabPage,
    button,
    distance_of,
    output_of,
    picture,
    place_of_the_picture,
    press,
    status,
    step_of,
    wait,
)
from playwright.sync_api import expect


def test_play_pause_step_reset(labs: LabPage) -> None:
    page = labs.show(LAB, FACTS)
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
    assert f"steps {seen} " in output_of(labs.notebook, 2)
    assert step_of(page) == seen
    assert "labs playing 0" in output_of(labs.notebook, 2)
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
    assert not labs.notebook.errors()


def test_running_the_cell_again_leaves_one_lab_and_one_loop(labs: LabPage) -> None:
    page = labs.show(LAB, FACTS)
    counts = set()
    for _ in range(3):
        press(page, "play")
        wait(page, lambda: step_of(page) > 3)
        said = output_of(labs.notebook, 2)
        assert "labs playing 1" in said
        counts.add(re.search(r"widgets (\d+)", said)[1])  # type: ignore[index]
        labs.notebook.run_cell(1)
        labs.notebook.wait_until_idle()
        wait(page, lambda: step_of(page) == 0)
        page.wait_for_function(DRAWN)
        assert "labs playing 0" in output_of(labs.notebook, 2)
    assert len(counts) == 1


def test_other_cells_run_while_it_trains_and_nothing_is_printed_into_them(labs: LabPage) -> None:
    page = labs.show(LAB, "print('hello')")
    press(page, "play")
    wait(page, lambda: step_of(page) > 3)
    assert output_of(labs.notebook, 2, "hello").strip() == "hello"
    seen = step_of(page)
    wait(page, lambda: step_of(page) > seen)
    outputs = page.locator(".jp-Notebook .jp-Cell").nth(2).locator(".jp-OutputArea-output")
    assert outputs.count() == 1
    assert outputs.inner_text().strip() == "hello"
    assert not labs.notebook.errors()


def test_the_steerable_slider_changes_the_picture_without_training(labs: LabPage) -> None:
    steer = (
        "model = models.pareto_manifold(make)\n"
        "training.fit(model, pairs.train, steps=20, batch_size=64, balancer=balancing.PreferenceSum(), progress=False)\n"
        "lab = SteerableLab(model, pairs.val)\nlab"
    )
    page = labs.show(steer)
    before, said = picture(page), status(page)
    assert "left 0.50, right 0.50" in said
    page.locator(".mtl-slider input").first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    wait(page, lambda: "left 0.30, right 0.70" in status(page))
    assert picture(page) != before
    assert button(page, "play").count() == 0


def test_the_concave_front_plays(labs: LabPage) -> None:
    page = labs.show("ConcaveFrontLab()")
    press(page, "play")
    wait(page, lambda: step_of(page) > 30)
    page.locator(".mtl-slider input").first.focus()
    page.keyboard.press("ArrowRight")
    wait(page, lambda: "first 0.51" in status(page))


def test_the_penalty_slider_acts_while_it_trains(labs: LabPage) -> None:
    slider = (
        "columns = lambda seed: models.twin_columns(models.lenet, pairs, seed=seed)\n"
        "lab = PenaltyLab(columns, pairs, penalty=penalties.DecoupledDistancePenalty(0.0, 1e-3),\n"
        "                    strengths=[0.0, 1.0, 10.0, float('inf')], steps=100_000, batch_size=64, speed=200)\nlab"
    )
    page = labs.show(slider, "print(len(lab.history.steps), lab.penalty.strength)")
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
    assert output_of(labs.notebook, 2, r"\S+ \S+").strip() == f"{step_of(page)} inf"
    assert not labs.notebook.errors()


def test_a_loss_that_explodes_is_told_in_words_and_reset_works(labs: LabPage) -> None:
    explode = (
        "import torch\n"
        "lab = LossWeightLab(make, pairs, batch_size=64, optimizer=lambda groups: torch.optim.SGD(groups, lr=1e12))\nlab"
    )
    page = labs.show(explode)
    press(page, "play")
    wait(page, lambda: "the loss of task" in status(page))
    assert "Stopped" in status(page)
    press(page, "reset")
    wait(page, lambda: status(page).startswith("Paused, step 0"))
    assert not labs.notebook.errors()
