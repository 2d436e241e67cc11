"""A notebook in JupyterLab, as a test handles it: opened, its cells run, what they print read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from browser.lab_server import PATIENCE, JupyterLab

# The kernel's answer to a question of the page shows that they hear each other. A question may be lost, and is asked again.
KERNEL_ANSWERS = """async () => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    if (kernel?.connectionStatus !== 'connected') return false;
    const answer = kernel.requestKernelInfo().then(reply => reply?.content.status === 'ok', () => false);
    return await Promise.race([answer, new Promise(late => setTimeout(late, 10000, false))]);
}"""


@dataclass
class Notebook:
    """A notebook in the page."""

    page: Any
    lab: JupyterLab

    def open(self, name: str) -> Notebook:
        """Open it alone (no side bars matter), and wait until its kernel is ready."""
        self.page.goto(f"{self.lab.url}/lab/tree/{name}?reset")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.wait_for_function(
            "() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'"
        )
        # The page calls a kernel idle before it is connected to it, and what it sends then is lost.
        until = time.monotonic() + PATIENCE
        while not self.lab.has_ready_kernel():
            if time.monotonic() > until:
                raise RuntimeError("the kernel did not become ready")
            self.page.wait_for_timeout(200)
        self.page.wait_for_function(KERNEL_ANSWERS)
        return self

    def run_cell(self, number: int) -> None:
        """Select a cell and run it, without waiting for its end."""
        cell = self.page.locator(".jp-Notebook .jp-Cell").nth(number)
        cell.scroll_into_view_if_needed()
        prompt = cell.locator(".jp-InputPrompt").first
        before = self.prompt(number)
        for _ in range(20):  # a page that is still busy loading may miss a click, or a key
            prompt.click()
            if self._happens(lambda: "jp-mod-active" in (cell.get_attribute("class") or ""), 2):
                self.page.keyboard.press("Control+Enter")
                # Not pressed again too soon: a slow page would run the cell twice.
                if self._happens(lambda: self.prompt(number) not in (before, "[ ]:"), 15):
                    return
        raise RuntimeError(f"cell {number} could not be run")

    def _happens(self, condition: Callable[[], bool], seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                return False
            self.page.wait_for_timeout(50)
        return True

    def prompt(self, number: int) -> str:
        """What stands beside a cell: `[ ]:`, `[*]:` while it waits or runs, then its number."""
        return str(self.page.locator(".jp-Notebook .jp-Cell").nth(number).locator(".jp-InputPrompt").first.inner_text())

    def run_all(self) -> None:
        """Run every cell, without waiting for more than the beginning."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        # A cell that waits or runs has a star, and then a number. Before that, the page is as idle as after the last cell.
        self.page.wait_for_function(
            "() => [...document.querySelectorAll('.jp-InputPrompt')].some(each => /\\[[*\\d]+\\]/.test(each.textContent))"
        )

    def wait_until_idle(self, seconds: float = 3 * PATIENCE) -> None:
        """Wait until no cell waits or runs."""
        self.page.wait_for_function(
            """() => ![...document.querySelectorAll('.jp-InputPrompt')].some(each => each.textContent.includes('[*]'))
                  && document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'""",
            timeout=1000 * seconds,
        )

    def errors(self) -> list[str]:
        """The text of all error outputs."""
        found = self.page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]')
        return [found.nth(i).inner_text() for i in range(found.count())]
