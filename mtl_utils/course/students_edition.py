"""The course for students, as one zip: `python -m mtl_utils.course.students_edition`.

In the zip: the notebooks without solutions, without outputs, and without sentences about solutions; the library, images and
studies; what installs it. Not in it: tests (they have right and wrong answers), and what only a teacher or a developer reads.

Nobody meets a result before the guess. Cells with claims, and cells that compare a guess with a word, are encoded: they print
their sentences when they are run. From the first cell that is run after a guess to the next heading, captions and explanations
are folded; one click opens them. The checks must know the right answers, so each `checks/notebook_NN.py` is encoded, too.
All this is a curtain, not a lock: who decodes a cell or a file finds the answers.

The command then unpacks the zip elsewhere and executes a notebook from it, to see that it runs.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import mtl_utils
from mtl_utils.course.veil import veil

ROOT = Path(mtl_utils.__file__).parents[1]
FOLDER = "multi_task_course"  # the one folder in the zip
WHOLE = ("data", "docs", "studies", "mtl_utils", "templates")
FILES = ("LICENSE", "requirements.txt", "pyproject.toml")
# Sections of the README that are for teachers and developers. The first word is enough.
NOT_FOR_STUDENTS = ("Run all tests", "Teach", "Under", "Change", "Read the code")
# A sentence, or a remark in parentheses, that speaks of a solution cell.
_SOLUTION = r"\b(?:[Tt]he|[Oo]ne|there is a) solution\b"
_DOES = r" (?:asks|uses|takes|shows|is folded|below|cell)"
_ABOUT_SOLUTIONS = re.compile(
    rf"\s*\([^()]*{_SOLUTION}[^()]*\)|(?:(?<=[.!?:] )|^)[^.!?\n()]*{_SOLUTION}{_DOES}[^.!?\n]*[.!?] ?", re.MULTILINE
)
_GUESSES = re.compile(r"^guess\(", re.MULTILINE)
_WORD_SHOWN = re.compile(r"^show_guess\(\s*\"[^\"]*\",\s*[\"\[{]", re.MULTILINE)  # the result stands there as a word
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_LATER = "Guess, and run the cells above. Then open this."


def students_notebook(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook as students get it: no solutions, no sentences about them, no outputs, no result beside the guess.

    Args:
        notebook: the JSON of the teacher's notebook; it stays as it is.

    Examples:
        >>> cells = [
        ...     {"cell_type": "markdown", "metadata": {}, "source": "Count. (The solution asks the last one.) Then go on."},
        ...     {"cell_type": "code", "metadata": {"tags": ["solution"]}, "source": "3", "outputs": [], "execution_count": 1},
        ... ]
        >>> students_notebook({"cells": cells, "metadata": {}})["cells"]
        [{'cell_type': 'markdown', 'metadata': {}, 'source': 'Count. Then go on.'}]
    """
    cells = []
    guessed = run = False  # in the present section: a guess was asked for; a cell after it was there to be run
    for cell in notebook["cells"]:
        tags, source = cell["metadata"].get("tags", []), "".join(cell["source"])
        if "solution" in tags:
            continue
        new = dict(cell)
        if cell["cell_type"] == "markdown":
            text = _ABOUT_SOLUTIONS.sub("", source)
            new["source"] = folded(text) if run else text
            if _HEADING.search(text):
                guessed = run = False
        elif cell["cell_type"] == "code":
            guess_here = bool(_GUESSES.search(source))
            guessed, run = guessed or guess_here, (run or guessed) and not guess_here
            if "claims" in tags or _WORD_SHOWN.search(source):
                new["source"] = veiled_cell(source)
            elif run:
                new["source"] = veiled_descriptions(source)
            new |= {"outputs": [], "execution_count": None}
        cells.append(new)
    metadata = {key: value for key, value in notebook["metadata"].items() if key != "widgets"}
    return {**notebook, "metadata": metadata, "cells": cells}


def veiled(source: str, name: str) -> str:
    """A module that does the same as `source`, whose text nobody reads by chance.

    Examples:
        >>> text = veiled("answer = 42", "notebook_00")
        >>> "42" in text
        False
        >>> module = {}
        >>> exec(text, module)
        >>> module["answer"]
        42
    """
    return (
        f'"""The checks of {name}. Their text has the answers, so it is encoded."""\n\n'
        "from mtl_utils.course.veil import unveil\n\n"
        f'_TEXT = r"""\n{veil(source)}\n"""\n'
        'exec(compile(unveil(_TEXT), __name__, "exec"))\n'
    )


def veiled_cell(source: str) -> str:
    """A cell that does the same as `source`, whose sentences nobody reads before it is run."""
    return (
        "# What was found, encoded, so that it is not read before the guess. Guess, look at the result, then run this.\n"
        "from mtl_utils.course.veil import unveil\n\n"
        f'exec(unveil(r"""\n{veil(source)}\n"""))'
    )


def veiled_descriptions(source: str) -> str:
    """A cell whose texts for figures (`plotting.describe`) are encoded, since they say what one is about to find.

    Examples:
        >>> print(veiled_descriptions("plot(1)"))
        plot(1)
        >>> "It fell" in veiled_descriptions("describe(ax, 'It fell.')")
        False
    """
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except SyntaxError:  # a magic of IPython
        return source
    texts = [
        call.args[1]
        for call in calls
        if ast.unparse(call.func).split(".")[-1] in ("describe", "describe_picture")
        and len(call.args) == 2
        and isinstance(call.args[1], ast.Constant)
    ]
    lines = source.encode().splitlines(keepends=True)  # positions in the syntax tree count bytes
    for text in sorted(texts, key=lambda node: node.lineno, reverse=True):
        assert isinstance(text, ast.Constant) and text.end_lineno is not None
        first, last = text.lineno - 1, text.end_lineno - 1
        new = f'unveil(r"""\n{veil(str(text.value))}\n""")'.encode()
        lines[first : last + 1] = [lines[first][: text.col_offset] + new + lines[last][text.end_col_offset :]]
    return ("from mtl_utils.course.veil import unveil\n\n" if texts else "") + b"".join(lines).decode()


def folded(text: str) -> str:
    """Markdown whose part before the first heading is folded until one opens it.

    Examples:
        >>> print(folded("It fell." + 2 * chr(10) + "## Next"))
        <details><summary>Guess, and run the cells above. Then open this.</summary>
        <BLANKLINE>
        It fell.
        <BLANKLINE>
        </details>
        <BLANKLINE>
        ## Next
    """
    heading = _HEADING.search(text)
    before, after = (text[: heading.start()], text[heading.start() :]) if heading else (text, "")
    if not before.strip():
        return text
    hidden = f"<details><summary>{_LATER}</summary>\n\n{before.strip()}\n\n</details>"
    return f"{hidden}\n\n{after}" if after else hidden


def contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the students' edition: its path in the zip's folder, and its bytes."""
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        notebook = students_notebook(json.loads(path.read_text(encoding="utf-8")))
        yield f"notebooks/{path.name}", (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()
    for name in WHOLE:
        for path in sorted((root / name).rglob("*")):
            relative = path.relative_to(root)
            hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
            if not path.is_file() or path.is_symlink() or hidden or path.name.endswith("-ubyte"):
                continue
            if re.fullmatch(r"notebook_\d\d\.py", path.name) and path.parent.name == "checks":
                yield relative.as_posix(), veiled(path.read_text(encoding="utf-8"), path.stem).encode()
            else:
                yield relative.as_posix(), path.read_bytes()
    for name in FILES:
        yield name, (root / name).read_bytes()
    yield "README.md", students_readme((root / "README.md").read_text(encoding="utf-8")).encode()


def students_readme(readme: str) -> str:
    """The README without the sections for teachers and developers."""
    sections = re.split(r"(?m)^(?=## )", readme)
    return "".join(section for section in sections if not section.startswith(tuple(f"## {name}" for name in NOT_FOR_STUDENTS)))


def students_edition(target: Path, root: Path = ROOT) -> Path:
    """Write the zip; the same files give the same bytes.

    Raises:
        FileNotFoundError: if `root` is not the course's folder.
    """
    if not list((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        raise FileNotFoundError(f"{root} has no folder notebooks with the course's notebooks in it")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents(root):
            archive.writestr(zipfile.ZipInfo(f"{FOLDER}/{name}"), data, zipfile.ZIP_DEFLATED)
    return target


def check_edition(edition: Path, number: str) -> list[str]:
    """Unpack a zip elsewhere and execute one of its notebooks with the library of the zip.

    Args:
        edition: the zip.
        number: which notebook, such as `"00"`.

    Returns:
        What went wrong, a line for each; nothing if it runs, and its exercises are not solved.
    """
    from mtl_utils.course.replicate import run_notebook
    from mtl_utils.course.replicate_runs import Run

    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(edition) as archive:
        archive.extractall(folder)
        here = Path(folder) / FOLDER
        found = sorted((here / "notebooks").glob(f"{number}_*.ipynb"))
        if not found:
            return [f"{edition} has no notebook {number}"]
        outcome = run_notebook(found[0], Run(), {"PYTHONPATH": str(here)}, before="import mtl_utils; print(mtl_utils.__file__)")
        problems = list(outcome.errors) + [f"✗ {each.sentence}" for each in outcome.claims.values() if not each.holds]
        if str(here) not in outcome.printed.splitlines()[0]:
            problems.append(f"the notebook imported another library: {outcome.printed.splitlines()[0]}")
        if "check." in found[0].read_text(encoding="utf-8") and "not attempted yet" not in outcome.printed:
            problems.append("no exercise says that it was not attempted yet")
        return problems


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns 0 if the notebook from the zip runs, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m mtl_utils.course.students_edition",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "zip", type=Path, nargs="?", default=Path("students.zip"), help="the file to write; students.zip if not given"
    )
    parser.add_argument("--check", default="00", metavar="NN", help="which notebook is executed from the zip; 00 if not given")
    chosen = parser.parse_args(arguments)
    edition = students_edition(chosen.zip)
    print(f"written: {edition} ({edition.stat().st_size / 1e6:.0f} MB)")
    problems = check_edition(edition, chosen.check)
    for problem in problems:
        print(f"✗ notebook {chosen.check} from the zip: {problem}", file=sys.stderr)
    if not problems:
        print(f"✓ notebook {chosen.check} from the zip runs, and its exercises are not attempted yet")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
