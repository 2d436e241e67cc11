"""A real JupyterLab in a real, headless Chromium.

Where there is no Chromium the tests are skipped with the reason; in continuous integration (`CI=true`) that is a failure.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "tests" / "screenshots"
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


@pytest.fixture(scope="session")
def jupyter_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    """JupyterLab on a free port, without a token, killed afterwards with all its kernels."""
    home = tmp_path_factory.mktemp("jupyter")
    # `data/` and what else the notebooks look for beside their folder is there, too.
    folder = home / "course" / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    (home / "course" / "data").symlink_to(ROOT / "data")
    (home / "course" / "studies").symlink_to(ROOT / "studies")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = home / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')  # no question in the way
    private = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    log = (home / "server.log").open("w")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1"),
            *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="),
            *("--ServerApp.password=", "--ServerApp.disable_check_xsrf=True"),
            *("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.expose_app_in_browser=True"),
        ],
        env={**os.environ, **private, "JUPYTER_PREFER_ENV_PATH": "1"},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    lab = JupyterLab(f"http://127.0.0.1:{port}", folder)
    try:
        _wait_for(lab, server, home / "server.log")
        yield lab
        lab.stop_kernels()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
        log.close()


def _wait_for(lab: JupyterLab, server: subprocess.Popen[bytes], log: Path) -> None:
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


# Not for the whole session: as long as Playwright runs, its event loop does, and no other test could use asyncio.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, as the system has it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "no Chromium on this computer (Debian: apt install chromium), so the browser tests cannot run"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, jupyter_lab: JupyterLab, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A new page. If the test fails, what it showed is in `tests/screenshots/`. Kernels are shut down afterwards."""
    context = browser.new_context(viewport={"width": 1500, "height": 1000})
    new = context.new_page()
    new.set_default_timeout(1000 * PATIENCE)
    failed_before = request.session.testsfailed
    yield new
    report = getattr(request.node, "report_of_call", None)
    if (report is not None and report.failed) or request.session.testsfailed > failed_before:
        SCREENSHOTS.mkdir(exist_ok=True)
        new.screenshot(path=SCREENSHOTS / (re.sub(r"\W+", "_", request.node.name) + ".png"))
    context.close()
    jupyter_lab.stop_kernels()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let the fixtures know how the test went."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call":
        item.report_of_call = report  # type: ignore[attr-defined]


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


@pytest.fixture
def notebook(page: Any, jupyter_lab: JupyterLab) -> Notebook:
    """What opens notebooks in the page."""
    return Notebook(page, jupyter_lab)
