"""A running JupyterLab, as its REST interface shows it."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

PATIENCE = 120  # seconds for whatever should happen at once: a slow computer must not fail, and what happens ends the wait


@dataclass
class JupyterLab:
    """A running server.

    Attributes:
        url: such as `http://127.0.0.1:41234`.
        folder: a copy of the notebooks' folder, which the server shows; tests may write into it.
    """

    url: str
    folder: Path

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook of code cells, and return its name."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        nbformat.write(notebook, self.folder / name)
        return name

    def get(self, path: str) -> Any:
        """What the server's REST interface answers, such as for `api/sessions`."""
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=60) as answer:
            return json.load(answer)

    def has_ready_kernel(self) -> bool:
        """Whether a page is connected to an idle kernel."""
        try:
            kernels = self.get("api/kernels")
        except OSError:  # the server says so now and then while a kernel is starting, or is too busy to answer
            return False
        return any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels)

    def stop_kernels(self) -> None:
        """Shut down every kernel that this server runs."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                kernels = self.get("api/kernels")
                break
            except OSError:  # as above
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
        for kernel in kernels:
            request = urllib.request.Request(f"{self.url}/api/kernels/{kernel['id']}", method="DELETE")
            try:
                urllib.request.urlopen(request, timeout=PATIENCE).close()
            except urllib.error.HTTPError:  # it went away by itself in the meantime
                pass


def wait_for(lab: JupyterLab, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server that was just started answers."""
    until = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        try:
            lab.get("api/status")
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
