"""A real JupyterLab in a real, headless Chromium.

Where there is no Chromium the tests are skipped with the reason; in continuous integration (`CI=true`) that is a failure.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.lab_page import VIEWPORT, LabPage
from browser.lab_server import PATIENCE, JupyterLab, wait_for
from browser.notebook_page import Notebook

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "tests" / "screenshots"


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
        wait_for(lab, server, home / "server.log")
        yield lab
        lab.stop_kernels()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
        log.close()


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
    new = _new_page(browser)
    yield new
    if _failed(request):
        _screenshot(new, request)
    new.context.close()
    jupyter_lab.stop_kernels()


@pytest.fixture
def notebook(page: Any, jupyter_lab: JupyterLab) -> Notebook:
    """What opens notebooks in the page."""
    return Notebook(page, jupyter_lab)


@pytest.fixture(scope="module")
def _kept(jupyter_lab: JupyterLab) -> Iterator[list[LabPage]]:
    """The page that the tests of a file share, if there is one now."""
    kept: list[LabPage] = []
    yield kept
    for each in kept:
        each.notebook.page.context.close()
    jupyter_lab.stop_kernels()


@pytest.fixture
def labs(browser: Any, jupyter_lab: JupyterLab, _kept: list[LabPage], request: pytest.FixtureRequest) -> Iterator[LabPage]:
    """A notebook whose kernel has run the set-up cell. The tests of a file share it, since a page and a kernel take seconds.

    So there is no test of a file that asks for this *and* for a `page` of its own. After a failed test it is a new one.
    """
    page = _kept[0].notebook.page if _kept else _new_page(browser)
    try:
        if not _kept:
            _kept.append(LabPage(Notebook(page, jupyter_lab)))
        yield _kept[0]
    finally:
        if not _kept or _failed(request):
            _kept.clear()
            _screenshot(page, request)
            page.context.close()
            jupyter_lab.stop_kernels()


def _new_page(browser: Any) -> Any:
    new = browser.new_context(viewport=VIEWPORT).new_page()
    new.set_default_timeout(1000 * PATIENCE)
    return new


def _failed(request: pytest.FixtureRequest) -> bool:
    """Whether the test, or a fixture that it waited for, failed."""
    reports = getattr(request.node, "reports", {})
    return "call" not in reports or any(report.failed for report in reports.values())


def _screenshot(page: Any, request: pytest.FixtureRequest) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / (re.sub(r"\W+", "_", request.node.name) + ".png"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let the fixtures know how the test went."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    item.reports = {**getattr(item, "reports", {}), report.when: report}  # type: ignore[attr-defined]
