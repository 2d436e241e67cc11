"""Figures with a text that says what they show."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient

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


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook with two figures, executed."""
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    nbformat.write(notebook, folder / "figures.ipynb")
    return folder / "figures.ipynb"


def installed(prefix: Path) -> dict[str, str]:
    """Put the files where `pip install` puts them; returns the variables that make Jupyter look there first."""
    files = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["data-files"]
    for folder, names in files.items():
        (prefix / folder).mkdir(parents=True)
        for name in names:
            shutil.copy(ROOT / name, prefix / folder)
    return {"JUPYTER_CONFIG_PATH": str(prefix / "etc/jupyter"), "JUPYTER_PATH": str(prefix / "share/jupyter")}


def test_the_plain_command_makes_a_page_that_shows_each_figure_once_with_its_text(executed: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--output-dir", str(tmp_path), str(executed)]
    environment = {**os.environ, **installed(tmp_path / "prefix")}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "figures.html").read_text(encoding="utf-8")
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
