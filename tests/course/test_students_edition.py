"""The students' edition: exercises and guesses, no answers; and it runs."""

import json
import re
import zipfile

import pytest

from mtl_utils.course import students_edition as edition


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return edition.students_edition(tmp_path_factory.mktemp("zip") / "students.zip")


@pytest.fixture(scope="module")
def files(archive):
    with zipfile.ZipFile(archive) as opened:
        return {name.removeprefix(f"{edition.FOLDER}/"): opened.read(name) for name in opened.namelist()}


def test_it_has_what_a_student_needs_and_nothing_more(files):
    for name in (
        "README.md",
        "requirements.txt",
        "LICENSE",
        "mtl_utils/tasks/task.py",
        "data/SHA256SUMS",
        "mtl_utils/py.typed",
    ):
        assert name in files
    assert {path.name for path in (edition.ROOT / "notebooks").glob("[0-9]*.ipynb")} == {
        name.removeprefix("notebooks/") for name in files if name.startswith("notebooks/")
    }
    assert not [
        name for name in files if re.search(r"(^|/)(tests|\.ci|\.git.*|__pycache__|CONTRIBUTING.md)(/|$)|-ubyte$", name)
    ]


def test_notebooks_have_exercises_and_neither_solutions_nor_outputs(files):
    for name, data in files.items():
        if name.endswith(".ipynb"):
            cells = json.loads(data)["cells"]
            assert not any("solution" in cell["metadata"].get("tags", []) for cell in cells)
            assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
            assert any("check." in "".join(cell["source"]) for cell in cells)
            prose = " ".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
            assert not re.search(r"\b([Tt]he|there is a) solution\b", prose), name


def test_no_praise_is_read_in_any_file(files):
    praise = [
        "right: 260 + 5,020 + 16,050 + 510 = 21,840",
        "right: A, B and D. C loses to B",
        "right: none. The sum is largest",
    ]
    sources = "".join(path.read_text(encoding="utf-8") for path in (edition.ROOT / "mtl_utils/course/checks").glob("*.py"))
    everything = b"".join(data for name, data in files.items() if not name.startswith("data/"))
    for sentence in praise:
        assert sentence in sources
        assert sentence.encode() not in everything


def test_veiled_checks_judge_as_the_open_ones(files, capsys):
    module = {"__name__": "veiled"}
    exec(files["mtl_utils/course/checks/notebook_04.py"].decode(), module)
    assert module["area_of_two_points"](0.32).state == "right"
    assert module["area_of_two_points"](0.48).state == "wrong"
    assert "the two rectangles overlap" in capsys.readouterr().out


def test_the_readme_keeps_the_command_that_opens_the_course(files):
    text = files["README.md"].decode()
    assert "<!-- open command -->" in text
    assert "## Teach" not in text
    assert "<!-- test command -->" not in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Count them. (The solution asks the last one, on 400 images.)", "Count them."),
        ("Try it. (Where there is a solution, it is folded.) Go on.", "Try it. Go on."),
        ("Do it first. The solution uses a loop. Then compare.", "Do it first. Then compare."),
        ("A Pareto optimal solution is on the front.", "A Pareto optimal solution is on the front."),
        ("The solution of this equation lies at 2.", "The solution of this equation lies at 2."),
    ],
)
def test_sentences_about_solution_cells_go(before, after):
    cell = {"cell_type": "markdown", "metadata": {}, "source": [before]}
    assert edition.students_notebook({"cells": [cell], "metadata": {}})["cells"][0]["source"] == after


def test_the_same_course_gives_the_same_bytes(archive, tmp_path):
    assert edition.students_edition(tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_a_notebook_from_the_zip_runs(archive):
    assert edition.check_edition(archive, "00") == []


def test_a_notebook_that_does_not_run_is_told(archive, tmp_path):
    assert edition.check_edition(archive, "99") == [f"{archive} has no notebook 99"]
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            if "/mtl_utils/" not in name:  # then the kernel finds the installed one, which is another library
                new.writestr(name, old.read(name))
    problems = edition.check_edition(broken, "00")
    assert any("imported another library" in problem for problem in problems)


def test_a_folder_that_is_not_the_course_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder notebooks"):
        edition.students_edition(tmp_path / "x.zip", tmp_path)
