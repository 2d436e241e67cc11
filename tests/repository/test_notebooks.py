"""The notebooks as committed: executed, in order, with outputs, small, and built as the course promises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SETUP = ["%matplotlib inline", "import matplotlib.pyplot as plt", "import torch", "from mtl_utils import "]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def tags(cell: dict[str, Any]) -> list[str]:
    return cell["metadata"].get("tags", [])


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@pytest.fixture
def code(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [cell for cell in cells if cell["cell_type"] == "code" and source(cell).strip()]


@pytest.fixture
def prose(cells: list[dict[str, Any]]) -> str:
    return "\n".join(source(cell) for cell in cells if cell["cell_type"] == "markdown")


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS][:4] == [
        "00_start_here",
        "01_one_image_many_tasks",
        "02_single_task",
        "03_hard_parameter_sharing",
    ]


def test_executed_in_order_from_a_fresh_kernel(code: list[dict[str, Any]]) -> None:
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert any(cell["outputs"] for cell in code)


def test_no_error_or_warning_is_in_the_outputs(code: list[dict[str, Any]]) -> None:
    for cell in code:
        for output in cell["outputs"]:
            if "raises-exception" not in tags(cell):
                assert output["output_type"] != "error", source(cell)
            assert output.get("name") != "stderr", output["text"]


def test_size(path: Path) -> None:
    assert path.stat().st_size < 1.5e6


def test_no_path_of_somebodys_computer(path: Path) -> None:
    assert not re.search(r"/home/|/root/|/Users/|/work/|/tmp/|C:\\\\", path.read_text(encoding="utf-8"))


def test_set_up_cell_is_the_same_everywhere(code: list[dict[str, Any]], path: Path) -> None:
    # The first notebook looks whether everything can be imported before it imports anything.
    lines = source(code[1 if path.stem == "00_start_here" else 0]).splitlines()
    assert lines[0] == SETUP[0]
    for start in (*SETUP, f"from mtl_utils.course.checks import notebook_{path.stem[:2]} as check"):
        assert any(line.startswith(start) for line in lines), f"the set-up cell lacks {start!r}"
    assert len(lines) <= 18


def test_anatomy(prose: str) -> None:
    assert prose.startswith("# ")
    for part in ("**After this you can**", "**Before this:**", "**Time:**", "redict", "on purpose"):
        assert part in prose, f"the notebook lacks {part!r}"
    for heading in ("What we measured", "Quiz", "Summary", "References"):
        assert re.search(rf"^## (\d+\. )?{heading}", prose, re.MULTILINE), f"the notebook lacks the section {heading}"
    assert "http" in prose[prose.rindex("References") :]
    assert re.search(r"\*\*Time:\*\* (about )?(\d+|half a|one) ?(s|min|minute|second)", prose), "the measured time is missing"


def test_claims_and_exercises(code: list[dict[str, Any]]) -> None:
    everything = "\n".join(source(cell) for cell in code)
    assert everything.count("claim(") + everything.count("agree(") >= 3
    checks = {name for cell in code for name in re.findall(r"\bcheck\.([a-z_0-9]+)\(", source(cell))}
    assert len(checks) >= 2
    for name in checks:
        asked = [cell for cell in code if f"check.{name}(" in source(cell) and "solution" not in tags(cell)]
        solved = [cell for cell in code if f"check.{name}(" in source(cell) and "solution" in tags(cell)]
        assert asked and solved, f"exercise {name} needs a check cell and a solution"
        assert "not attempted yet" in text(asked[0]), f"exercise {name} is committed as not attempted"
        assert "✓" in text(solved[0]), f"the solution of {name} must pass its check"


def test_solutions_are_folded_and_can_be_stripped(code: list[dict[str, Any]]) -> None:
    for cell in code:
        if "solution" in tags(cell):
            # The outputs too, for they give the answer away.
            assert cell["metadata"].get("jupyter") == {"source_hidden": True, "outputs_hidden": True}


def test_every_figure_is_described(cells: list[dict[str, Any]]) -> None:
    for number, cell in enumerate(cells):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            following = "\n".join(source(each) for each in cells[number + 1 : number + 3] if each["cell_type"] == "markdown")
            sentences = [line for line in following.splitlines() if len(line) > 40 and not line.startswith(("#", "|", "$"))]
            assert sentences or "solution" in tags(cell), f"no sentence says what this shows:\n{source(cell)}"


# Notebooks in their new shape: what teaches and what claims are in cells of their own, and a guess comes before a key result.
LESSONS = NOTEBOOKS
LONGEST_CELL = 40


def lesson(path: Path) -> list[dict[str, Any]]:
    return [
        cell
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code" and source(cell).strip()
    ]


every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


@every_lesson
def test_no_state_of_widgets_is_saved(path: Path) -> None:
    # A web page would then show the dead widget, and not the lab's picture with its text.
    assert "widgets" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]


@every_lesson
def test_a_cell_teaches_or_claims(path: Path) -> None:
    for cell in lesson(path):
        claims = re.search(r"^(    )*claim\(", source(cell), re.MULTILINE) is not None
        if claims and "solution" not in tags(cell):
            assert "claims" in tags(cell), f"a claim outside a cell with the tag `claims`:\n{source(cell)}"
        if "claims" in tags(cell):
            assert claims, f"a cell with the tag `claims` claims nothing:\n{source(cell)}"
            assert cell["metadata"]["jupyter"]["source_hidden"] is True, f"not folded:\n{source(cell)}"
            assert not re.search(r"plt\.|plotting\.|\.fit\(|compare\(", source(cell)), (
                f"it does more than claim:\n{source(cell)}"
            )


@every_lesson
def test_cells_are_short(path: Path) -> None:
    for cell in lesson(path):
        lines = len(source(cell).splitlines())
        assert lines <= LONGEST_CELL, f"{lines} lines:\n{source(cell)}"


@every_lesson
def test_a_guess_comes_before_its_result_and_is_shown_after_it(path: Path) -> None:
    code = lesson(path)
    guesses = {}
    for place, cell in enumerate(code):
        for number in re.findall(r"^guess\(\s*\"([^\"]+)\"", source(cell), re.MULTILINE):
            assert "guess" in tags(cell), f"guess {number} needs a cell of its own with the tag `guess`"
            assert "write yours in place of" in text(cell), f"guess {number} is committed as not guessed yet"
            assert number.startswith(f"{path.stem[:2]}.G"), number
            guesses[number] = place
    assert guesses, "the notebook asks for no guess"
    shown = {
        number: place for place, cell in enumerate(code) for number in re.findall(r"show_guess\(\s*\"([^\"]+)\"", source(cell))
    }
    assert shown.keys() == guesses.keys()
    for number, place in guesses.items():
        assert shown[number] >= place + 2, f"the result of guess {number} is shown at once"
        assert "claims" not in tags(code[place + 1]), f"what follows guess {number} gives the answer away"


@every_lesson
def test_solutions_say_nothing_in_their_first_line(path: Path) -> None:
    for cell in lesson(path):
        if "solution" in tags(cell):
            assert source(cell).startswith("# One solution"), source(cell)


@every_lesson
def test_the_answers_to_the_quiz_are_not_printed_by_running_all_cells(path: Path) -> None:
    last = lesson(path)[-1]
    assert "solution" in tags(last) and "def quiz_answers" in source(last)
    assert not last["outputs"]


@every_lesson
def test_imports_come_from_few_places(path: Path) -> None:
    setup = source(lesson(path)[1 if path.stem == "00_start_here" else 0])
    places = {line.split()[1] for line in setup.splitlines() if line.startswith(("import ", "from "))}
    assert len(places) <= 6, places


def text(cell: dict[str, Any]) -> str:
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])
