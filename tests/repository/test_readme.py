"""The README's promises: two commands, a syllabus that matches, a students' edition that can be made."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def command(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\s*```(?:bash|sh)\n(.*?)```\s*<!-- end -->", README, re.DOTALL)
    assert found, f"the README lacks its {mark}"
    return found[1].strip()


@pytest.mark.parametrize("mark", ["open command", "test command"])
def test_each_command_makes_its_environment_and_installs(mark: str) -> None:
    assert "python3 -m venv .venv" in command(mark)
    assert "pip install" in command(mark)


def test_test_command_runs_everything() -> None:
    assert command("test command").endswith("pytest")
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'testpaths = ["tests", "notebooks"]' in settings
    assert "--nbval " in settings


def test_continuous_integration_runs_the_readmes_command() -> None:
    assert "<!-- test command -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_syllabus_names_every_notebook_with_its_time(path: Path) -> None:
    row = next((line for line in README.splitlines() if f"notebooks/{path.name}" in line and line.startswith("|")), "")
    assert row, f"{path.stem} is not in the README's syllabus"
    assert re.search(r"\d+ s", row), f"{path.stem} has no measured time in the README"


def test_links_within_the_repository_lead_somewhere() -> None:
    for target in re.findall(r"\]\(((?!http|#)[^)]+)\)", README):
        assert (ROOT / target.split("#")[0]).exists(), f"the README links to {target}, which is not there"


def test_students_edition_has_the_exercises_and_no_solutions(tmp_path: Path) -> None:
    found = re.search(r"jupyter nbconvert ([^\n]*--to notebook[^\n]*)", README)
    assert found, "the README does not say how to make the students' edition"
    assert "TagRemovePreprocessor" in found[1]
    assert "solution" in found[1]
    arguments = [word.strip("'\"") for word in re.findall(r"'[^']*'|\"[^\"]*\"|\S+", found[1])]
    arguments = [word for word in arguments if not word.startswith(("notebooks", "--output-dir"))]
    notebook = ROOT / "notebooks" / "02_single_task.ipynb"
    subprocess.run(
        [sys.executable, "-m", "nbconvert", *arguments, f"--output-dir={tmp_path}", str(notebook)],
        check=True,
        capture_output=True,
    )
    edition = json.loads((tmp_path / notebook.name).read_text(encoding="utf-8"))
    assert not any("solution" in cell["metadata"].get("tags", []) for cell in edition["cells"])
    assert any("check." in "".join(cell["source"]) for cell in edition["cells"])
    assert len(edition["cells"]) < len(json.loads(notebook.read_text(encoding="utf-8"))["cells"])
