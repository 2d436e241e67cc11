"""The students' edition: exercises and guesses, no answers; and it runs."""

import ast
import json
import re
import zipfile

import pytest

from mtl_utils.course import students_edition as edition
from mtl_utils.course.veil import unveil

NOTEBOOKS = sorted(path.name for path in (edition.ROOT / "notebooks").glob("[0-9]*.ipynb"))


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
        "templates/described/index.html.j2",
        "mtl_utils/py.typed",
    ):
        assert name in files
    assert set(NOTEBOOKS) == {name.removeprefix("notebooks/") for name in files if name.startswith("notebooks/")}
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


def cells_of(files, name):
    """The cells of a notebook of the zip, each as (type, source)."""
    return [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(files[f"notebooks/{name}"])["cells"]]


def teachers_claims(name):
    """For each cell with claims: its source, its sentences, and the numbers that it printed as the notebook was saved."""
    for cell in json.loads((edition.ROOT / "notebooks" / name).read_text(encoding="utf-8"))["cells"]:
        if "claims" in cell["metadata"].get("tags", []):
            source = "".join(cell["source"])
            calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
            sentences = [
                call.args[0].value
                for call in calls
                if isinstance(call.func, ast.Name)
                and call.func.id in ("claim", "agree")
                and isinstance(call.args[0], ast.Constant)
            ]
            printed = "".join("".join(output.get("text", "")) for output in cell["outputs"])
            numbers = set(re.findall(r"(?<![\d.])\d+\.\d+(?![\d.])", printed))
            # Numbers with three digits or more: shorter ones may be settings, such as a learning rate of 0.005.
            yield source, sentences, {each for each in numbers if len(each.replace(".", "").lstrip("0")) >= 3}


def texts_of_figures(source):
    """The texts for figures that stand open in a cell."""
    calls = [node for node in ast.walk(ast.parse(re.sub(r"(?m)^%.*", "", source))) if isinstance(node, ast.Call)]
    described = [call for call in calls if ast.unparse(call.func).split(".")[-1] in ("describe", "describe_picture")]
    return [call.args[1].value for call in described if isinstance(call.args[1], ast.Constant)]


def standing(number, text):
    """Whether a number stands in a text, and not as a part of a longer one."""
    return re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", text)


def visible(source):
    """What one reads without opening a fold."""
    return re.sub(r"<details>.*?</details>", "", source, flags=re.DOTALL)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_claim_and_no_measured_number_is_read_in_a_notebook(files, name):
    cells = cells_of(files, name)
    everything = "\n".join(source for _, source in cells)
    code = "\n".join(source for kind, source in cells if kind == "code")
    prose = "\n".join(visible(source) for kind, source in cells if kind == "markdown")
    for _, sentences, numbers in teachers_claims(name):
        assert not [sentence for sentence in sentences if len(sentence) > 20 and sentence in everything]
        # What stands in a cell that is open to read is a setting.
        assert not [number for number in numbers if standing(number, prose) and not standing(number, code)]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_veiled_claims_are_the_teachers(files, name):
    veiled = [
        found[1] for _, source in cells_of(files, name) if (found := re.search(r'unveil\(r"""(.*?)"""', source, re.DOTALL))
    ]
    assert {source for source, _, _ in teachers_claims(name)} <= {unveil(text) for text in veiled}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_between_a_guess_and_the_next_heading_no_caption_and_no_answer_is_open(files, name):
    asked = shown = False
    guesses = 0
    for kind, source in cells_of(files, name):
        if kind == "code" and re.search(r"^guess\(", source, re.MULTILINE):
            asked, shown, guesses = True, False, guesses + 1
        elif kind == "code":
            shown = asked
            assert not (asked and texts_of_figures(source))
            assert not re.search(r'^show_guess\(\s*"[^"]*",\s*["\[{]', source, re.MULTILINE)
        elif shown:
            before_heading = re.split(r"(?m)^#{1,6} ", visible(source))[0]
            assert not before_heading.strip()
            asked = shown = not re.search(r"(?m)^#{1,6} ", source)
        elif re.search(r"(?m)^#{1,6} ", source):
            asked = False
    assert guesses == len(re.findall(r"(?m)^guess\(", "\n".join(source for _, source in cells_of(files, name))))


def test_a_result_that_stands_as_a_word_is_encoded_and_prose_is_folded_up_to_the_heading():
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1}
    text = {"cell_type": "markdown", "metadata": {}}
    cells = [
        {**text, "source": "## 1. Which one?\n\nThink."},
        {**code, "source": 'guess("1", ...)'},
        {**text, "source": "We train both."},
        {**code, "source": "train()"},
        {**code, "source": 'show_guess("1", "the seed")\nx = 41 + 1'},
        {**text, "source": "*Figure: it was the seed.*\n\n### Exercise\n\nDo it."},
    ]
    new = [cell["source"] for cell in edition.students_notebook({"cells": cells, "metadata": {}})["cells"]]
    assert new[:4] == [cell["source"] for cell in cells[:4]]
    assert "the seed" not in new[4]
    shown = []
    names = {"show_guess": lambda *guess: shown.append(guess)}
    exec(new[4], names)
    assert shown == [("1", "the seed")]
    assert names["x"] == 42
    assert new[5].startswith("<details><summary>")
    assert new[5].endswith("it was the seed.*\n\n</details>\n\n### Exercise\n\nDo it.")


def test_the_text_of_a_figure_is_encoded_and_the_figure_still_has_it():
    source = 'äh = 1\nplotting.describe(\n    "ü" and fig,\n    "Left: it fell. "\n    "Right: “it” rose.",\n)\nlast = 2'
    new = edition.veiled_descriptions(source)
    assert "fell" not in new
    told = []
    names = {"fig": "figure", "plotting": type("", (), {"describe": staticmethod(lambda *given: told.append(given))})}
    exec(new, names)
    assert told == [("figure", "Left: it fell. Right: “it” rose.")]
    assert (names["äh"], names["last"]) == (1, 2)


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
