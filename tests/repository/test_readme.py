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
    seconds = re.search(r"\d+ s", row)
    assert seconds, f"{path.stem} has no measured time in the README"
    first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
    assert f"**Time:** {seconds[0]} to run" in first, f"{path.stem} begins with another time than the README's {seconds[0]}"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_within_the_repository_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(((?!http|#)[^)]+)\)", (ROOT / name).read_text(encoding="utf-8")):
        assert (ROOT / target.split("#")[0]).exists(), f"{name} links to {target}, which is not there"


def test_files_that_contributing_names_in_passing_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for named in re.findall(r"`((?:tests|studies|course|mtl_utils|notebooks)/[\w/.]+)`", text):
        places = [ROOT / named, ROOT / "mtl_utils" / named]
        assert "NN" in named or any(place.exists() for place in places), f"CONTRIBUTING names {named}, which is not there"


@pytest.mark.parametrize("name", ["students_edition", "replicate", "collect_guesses"])
def test_commands_for_teachers_are_named_and_there(name: str) -> None:
    # What they do is tested in tests/course.
    assert f".venv/bin/python -m mtl_utils.course.{name}" in README
    done = subprocess.run([sys.executable, "-m", f"mtl_utils.course.{name}", "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m mtl_utils.course.{name}")


def test_the_example_runs_with_fewer_images() -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code
    small = (
        code[1]
        .replace("6000", "64")
        .replace("1000", "32")
        .replace("2000", "32")
        .replace("epochs=4", "epochs=1, progress=False")
    )
    done = subprocess.run([sys.executable, "-c", small], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "left" in done.stdout


def test_every_room_is_in_the_table() -> None:
    rooms = {path.stem for path in (ROOT / "mtl_utils").iterdir() if path.suffix != ".pyc" and not path.name.startswith("_")}
    table = README[README.index("## Under it") : README.index("<!-- small path -->")]
    missing = [room for room in rooms - {"py"} if f"`{room}`" not in table]
    assert not missing, f"the README's table lacks {missing}"
