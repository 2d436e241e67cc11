"""Figures with a text that says what they show."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from mtl_utils.plotting import describe, describe_picture

ROOT = Path(__file__).parents[2]
TEXT = 'Two lines that "cross" & part.'
CELLS = (
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nfrom mtl_utils.plotting import describe, describe_picture",
    f"_, ax = plt.subplots()\nax.plot([0, 1], [1, 0])\ndescribe(ax, {TEXT!r})",
    "figure = plt.figure(figsize=(1, 1))\nfigure.savefig('x.png')\nplt.close(figure)\n"
    "describe_picture(open('x.png', 'rb').read(), 'A recorded run.')",
)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What was displayed: data and metadata."""
    displayed: list[tuple[dict[str, Any], dict[str, Any]]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw, metadata: displayed.append((data, metadata)))
    return displayed


def test_the_web_page_of_a_notebook_shows_each_figure_once_with_its_text(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    settings = json.loads((ROOT / "jupyter_nbconvert_config.json").read_text())  # what `jupyter nbconvert` reads there
    exporter = HTMLExporter(
        template_name=settings["HTMLExporter"]["template_name"],
        extra_template_basedirs=[str(ROOT / path) for path in settings["TemplateExporter"]["extra_template_basedirs"]],
    )
    page = str(exporter.from_notebook_node(notebook)[0])
    pictures = re.findall(r"<img[^>]*data:image/png[^>]*>", page, re.DOTALL)
    texts = [found[2] for picture in pictures if (found := re.search(r"""alt=(["'])(.*?)\1""", picture))]
    assert len(pictures) == 2
    assert [html.unescape(text) for text in texts] == [TEXT, "A recorded run."]


def test_a_figure_can_be_given_as_well_as_axes_and_lines_of_text_become_one(shown: Any) -> None:
    figure, _ = plt.subplots()
    describe(figure, "One\n   line.")
    ((data, metadata),) = shown
    assert metadata == {"image/png": {"alt": "One line."}}
    assert data["text/plain"] == "Figure: One line."
    assert data["image/png"].startswith(b"\x89PNG")
    assert plt.get_fignums() == []  # or Jupyter would show it a second time


@pytest.mark.parametrize("text", ["", "  ", None])
def test_no_text_is_refused(text: str, shown: Any) -> None:
    figure, _ = plt.subplots()
    with pytest.raises(ValueError, match="it is empty"):
        describe(figure, text)
    with pytest.raises(ValueError, match="it is empty"):
        describe_picture(b"", text)
    plt.close(figure)
    assert shown == []


def test_what_is_no_figure_is_refused() -> None:
    with pytest.raises(ValueError, match="describe a figure or axes, not int"):
        describe(3, "three")  # type: ignore[arg-type]
