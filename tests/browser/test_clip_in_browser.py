"""The clip of notebook 09 plays in JupyterLab, and without a kernel in the page that nbconvert makes of the notebook."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

CLIP = """from mtl_utils import datasets, plotting, tracking
scenes = datasets.moving_scenes(1, 1, 1, frames=3, size=32).train
true = tracking.true_frames(scenes, 0)
plotting.clip(scenes.videos[0], {"true": true}, class_names=scenes.class_names, frames_per_second=20)"""

WRITE_DOWN = """output => {
    window.seen = [output.textContent];
    new MutationObserver(() => window.seen.push(output.textContent)).observe(output, {childList: true});
}"""


def plays(page: Any) -> None:
    clip = page.locator("figure.mtl-clip[data-alive]")  # JupyterLab shows a clip a moment before its buttons do anything
    clip.scroll_into_view_if_needed()
    assert "Video of 3 frames" in clip.locator("img").get_attribute("alt")
    first = clip.locator("img").get_attribute("src")
    # Written down by the page itself: who asks it now and then may miss a frame again and again.
    clip.locator("output").evaluate(WRITE_DOWN)
    clip.get_by_role("button", name="Play or pause").click()
    page.wait_for_function("() => new Set(window.seen).size >= 3")
    assert set(page.evaluate("() => window.seen")) == {"0 / 2", "1 / 2", "2 / 2"}
    clip.get_by_role("button", name="Play or pause").click()
    clip.get_by_role("slider", name="Frame").fill("2")
    assert clip.locator("output").inner_text() == "2 / 2"
    assert clip.locator("img").get_attribute("src") != first


def test_a_clip_plays_in_jupyterlab_and_in_the_exported_page(notebook: Any, jupyter_lab: Any) -> None:
    notebook.open(jupyter_lab.write("clip.ipynb", CLIP))
    notebook.run_cell(0)
    notebook.wait_until_idle()
    plays(notebook.page)

    subprocess.run(
        [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--execute", "clip.ipynb",
         "--ExecutePreprocessor.startup_timeout=300"],
        cwd=jupyter_lab.folder, check=True, capture_output=True,
    )  # fmt: skip
    notebook.page.goto((jupyter_lab.folder / "clip.html").as_uri())
    plays(notebook.page)
