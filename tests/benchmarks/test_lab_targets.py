"""The lab's targets (see the design notes on the lab), one test each; measured in a real browser where the target says so.

Run alone, on a computer that does nothing else: `pytest -o addopts= -p no:nbval -s tests/benchmarks/test_lab_targets.py`.
"""
# ruff: noqa: T201

from __future__ import annotations

import asyncio
import math
import statistics
from pathlib import Path
from typing import Any

from browser.conftest import browser, jupyter_lab, notebook, page  # noqa: F401 (fixtures)
from jupyter_client.manager import KernelManager

from mtl_utils import datasets, models
from mtl_utils.lab import LossWeightLab

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SET_UP = """
import asyncio, time
from mtl_utils import balancing, datasets, models, training
from mtl_utils.lab import LossWeightLab, SteerableLab
AS_FAST_AS_IT_GOES = float('inf')
pairs = datasets.multi_mnist(train=4000, val=1000, test=200)
make = lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed)
"""
# From the key that moves the slider to the moment when the picture is there: the lab changes its words after its picture.
LATENCY = """async words => {
    const slider = document.querySelector('.mtl-slider input');
    const started = performance.now();
    slider.value = Number(slider.value) + 1;  // what the browser does with an arrow key, which scripts cannot press
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    while (!document.querySelector('[role="status"]').innerText.includes(words)) {
        if (performance.now() - started > 10000) throw new Error('no picture within 10 s after ' + words);
        await new Promise(done => setTimeout(done, 4));
    }
    await document.querySelector('img.widget-image').decode();
    return performance.now() - started;
}"""


def percentile_95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def open_lab(notebook: Any, jupyter_lab: Any, lab: str, *more: str) -> Any:  # noqa: F811
    notebook.open(jupyter_lab.write("targets.ipynb", SET_UP, lab, *more))
    for cell in (0, 1):
        notebook.run_cell(cell)
        notebook.wait_until_idle()
    notebook.page.wait_for_selector("img.widget-image")
    return notebook.page


def output_of(notebook: Any, cell: int) -> str:  # noqa: F811
    notebook.run_cell(cell)
    notebook.wait_until_idle(300)
    return str(notebook.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-OutputArea-output").last.inner_text())


def test_a_moved_slider_is_used_within_one_step() -> None:
    pairs = datasets.multi_mnist(train=2000, val=200, test=200)

    async def measure() -> list[int]:
        lab = LossWeightLab(
            lambda seed: models.hard_sharing(models.lenet, pairs, seed=seed),
            pairs,
            steps=10_000,
            batch_size=128,
            speed=math.inf,
        )
        lab.play()
        late = []
        for number in range(20):
            await asyncio.sleep(0.1)
            before, weight = len(lab.history.steps), round(0.3 + number / 100, 2)
            lab.sliders["left"].value = weight
            while not lab.history.steps or lab.history.steps[-1].weights["left"] != weight:
                await asyncio.sleep(0)
            first = next(step.number for step in lab.history.steps if step.weights["left"] == weight)
            late.append(first - before)
        lab.close()
        await asyncio.sleep(0)
        return late

    steps = asyncio.run(measure())
    print("\nsteps from touch to use:", steps)
    assert max(steps) <= 1


def test_a_moved_slider_shows_in_the_browser_while_training_runs(notebook: Any, jupyter_lab: Any) -> None:  # noqa: F811
    lab = "lab = LossWeightLab(make, pairs, steps=100_000, batch_size=128, speed=AS_FAST_AS_IT_GOES)\nlab"
    opened = open_lab(notebook, jupyter_lab, lab)
    opened.locator("button.widget-button", has_text="play").click()
    opened.wait_for_timeout(2000)
    times = []
    for number in range(40):
        times.append(opened.evaluate(LATENCY, f"left {0.5 + (number + 1) / 100:.3g},"))
        opened.wait_for_timeout(137)  # not in step with the pictures
    assert opened.locator('[role="status"]').inner_text().startswith("Playing")
    print(f"\nslider to picture: median {statistics.median(times):.0f} ms, 95 % below {percentile_95(times):.0f} ms")
    assert percentile_95(times) <= 120


def test_throughput_with_the_lab_open_and_drawing(notebook: Any, jupyter_lab: Any) -> None:  # noqa: F811
    lab = "lab = LossWeightLab(make, pairs, steps=300, batch_size=128, validate_every=20, speed=AS_FAST_AS_IT_GOES)\nlab"
    headless = """
def headless():
    started = time.perf_counter()
    mean = balancing.WeightedSum("mean")
    for _ in training.train(make(0), pairs, steps=300, batch_size=128, validate_every=20, balancer=mean):
        pass
    return time.perf_counter() - started

async def live():
    lab.reset()
    while lab.playing:
        await asyncio.sleep(0.05)
    started = time.perf_counter()
    lab.play()
    while lab.playing:
        await asyncio.sleep(0.05)
    assert len(lab.history.steps) == 300
    return time.perf_counter() - started

headless()
times = [(headless(), await live()) for _ in range(3)]
print(*(alone / shown for alone, shown in times))
"""
    open_lab(notebook, jupyter_lab, lab, headless)
    ratios = [float(number) for number in output_of(notebook, 2).split()]
    print(f"\nthroughput beside headless: {', '.join(f'{ratio:.0%}' for ratio in ratios)}")
    assert statistics.median(ratios) >= 0.90


def test_the_steerable_model_follows_its_slider_in_the_browser(notebook: Any, jupyter_lab: Any) -> None:  # noqa: F811
    lab = (
        "model = models.pareto_manifold(make)\n"
        "training.fit(model, pairs.train, steps=30, batch_size=128, balancer=balancing.PreferenceSum(), progress=False)\n"
        "lab = SteerableLab(model, pairs.val)\nlab.preference = {'left': 1.0, 'right': 0.0}\nlab"
    )
    opened = open_lab(notebook, jupyter_lab, lab)
    opened.wait_for_timeout(1000)
    times = []
    for number in range(20):
        right = (number + 1) / 20
        times.append(opened.evaluate(LATENCY, f"left {1 - right:.2f}, right {right:.2f}"))
        opened.wait_for_timeout(100)
    print(f"\nsteering to picture: median {statistics.median(times):.0f} ms, 95 % below {percentile_95(times):.0f} ms")
    assert percentile_95(times) <= 90


def test_thirty_runs_of_the_cell_leave_nothing_behind() -> None:
    cell = "lab = LossWeightLab(make, pairs, steps=100_000, batch_size=128)\nlab.play()\nlab"
    count = """
import gc, ipywidgets, matplotlib.figure, matplotlib.pyplot, psutil
await asyncio.sleep(0.3)
gc.collect()
print(
    sum("Player._play" in repr(task) for task in asyncio.all_tasks()),
    len(ipywidgets.widgets.widget._instances),
    len(matplotlib.pyplot.get_fignums()),
    psutil.Process().memory_info().rss / 2**20,
)
"""
    manager = KernelManager()
    manager.start_kernel(cwd=str(NOTEBOOKS))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)

    def run(source: str) -> str:
        said: list[str] = []
        client.execute_interactive(
            source, timeout=120, output_hook=lambda message: said.append(message["content"].get("text", ""))
        )
        return "".join(said)

    try:
        run(SET_UP)
        counts = []
        for number in range(40):
            run(cell)
            if number % 10 == 9:
                counts.append([float(value) for value in run(count).split()])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    print("\ntasks, widgets, figures, megabytes:", counts)
    first, last = counts[0], counts[-1]  # after 10 runs and after 40: thirty runs between them
    assert first[:3] == last[:3]
    assert last[0] == 1
    assert last[3] <= 1.05 * first[3]
