"""The first notebook in a real JupyterLab: opened, run from a fresh kernel, without an error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from tests.browser.conftest import Notebook


def test_start_here_runs_without_an_error(notebook: Notebook) -> None:
    name = "00_start_here.ipynb"
    path = notebook.lab.folder / name
    nb = nbformat.read(path, as_version=4)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(nb, path)

    notebook.open(name)
    notebook.run_all()
    # JupyterLab only draws the cells in view, so what came out is read from the notebook as JupyterLab saves it.
    code: list = []
    until = time.monotonic() + 600
    while time.monotonic() < until:
        notebook.page.wait_for_timeout(2000)
        notebook.page.keyboard.press("Control+s")
        notebook.page.wait_for_timeout(500)
        try:
            saved = nbformat.read(path, as_version=4)
        except ValueError:  # read while it is being written
            continue
        code = [cell for cell in saved.cells if cell.cell_type == "code"]
        if all(cell.execution_count for cell in code):
            break
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    text = "".join(output.get("text", "") for output in outputs)
    assert "✓ this computer is ready for the course" in text
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4
