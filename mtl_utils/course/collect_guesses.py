"""A class's guesses in one figure: `python -m mtl_utils.course.collect_guesses FOLDER`.

FOLDER has one file per student, as `keep_guesses` writes them. Prints how many guessed what, writes `guesses.csv` (one row
per student and question) and `guesses.png` (a histogram per question) into FOLDER.
"""

from __future__ import annotations

import argparse
import math
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_utils.course.guesses import read_guesses

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TITLE = 80  # letters that fit into a line above the picture


def collect_guesses(folder: str | Path) -> tuple[pd.DataFrame, list[str]]:
    """All guesses in a folder: a table with one row per student and question, and a line for each file that is not one.

    Raises:
        FileNotFoundError: if the folder is not there, or no file in it has guesses.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    problems = []
    files = sorted(Path(folder).glob("*.json"))
    for file in files:
        try:
            student, guesses = read_guesses(file)
        except ValueError as error:
            problems.append(str(error))
            continue
        rows += [
            {"student": student, "guess": number, "question": each.question, "value": each.value, "result": each.result}
            for number, each in guesses.items()
        ]
    if not rows:
        raise FileNotFoundError(f"{folder} has {len(files)} JSON files, none of them with guesses")
    return pd.DataFrame(rows), problems


def plot_guesses(values: Sequence[Any], results: Sequence[Any] = (), *, title: str = "", ax: Axes | None = None) -> Axes:
    """A histogram of what a class guessed: bins for numbers, bars for words. What was measured is a dashed line.

    Args:
        values: a guess of each student.
        results: what each of them measured; an empty one (`None`) is left out.
        title: the question.
        ax: where to draw; a new figure if none.
    """
    from collections import Counter

    from mtl_utils.plotting.axes import axes_or_new, tidy
    from mtl_utils.plotting.colors import BLUE, VERMILLION

    ax = tidy(axes_or_new(ax))
    measured = [each for each in results if _is_number(each)]
    if values and all(_is_number(value) for value in values):
        ax.hist([float(value) for value in values], bins="auto", color=BLUE, rwidth=0.9)
        if measured:
            middle = sorted(measured)[len(measured) // 2]
            ax.axvline(middle, color=VERMILLION, linestyle="--", label=f"measured: {middle:.4g}")
            ax.legend(frameon=False)
    else:
        counts = Counter(str(value) for value in values)
        there = {str(each) for each in results if each is not None and not isinstance(each, float)}
        ax.barh(list(counts), list(counts.values()), color=[VERMILLION if name in there else BLUE for name in counts])
        if there & set(counts):
            ax.set_xlabel("the bar in the other color is what was measured")
    ax.set_title(textwrap.fill(title, _TITLE), loc="left", fontsize=9)
    return ax


def draw_all(table: pd.DataFrame) -> Figure:
    """A figure with a histogram for each question of the table."""
    from matplotlib.figure import Figure

    numbers = sorted(table["guess"].unique())
    figure = Figure(figsize=(6.4, 2.6 * len(numbers)), layout="constrained")
    for ax, number in zip(figure.subplots(len(numbers), 1, squeeze=False).flat, numbers, strict=True):
        asked = table[table["guess"] == number]
        question = asked["question"].iloc[0]
        title = number if question == number else f"{number}  {question}"
        plot_guesses(list(asked["value"]), list(asked["result"]), title=f"{title}  ({len(asked)} guesses)", ax=ax)
        ax.set_ylabel("students" if ax.get_ylabel() == "" and all(map(_is_number, asked["value"])) else "")
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns 0 if all files were read, else 1."""
    parser = argparse.ArgumentParser(prog="python -m mtl_utils.course.collect_guesses", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="the folder with a file for each student")
    folder = parser.parse_args(arguments).folder
    try:
        table, problems = collect_guesses(folder)
    except FileNotFoundError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    for number, asked in table.groupby("guess"):
        common = asked["value"].astype(str).value_counts()
        print(f"{number}: {len(asked)} guesses, most often {common.index[0]} ({common.iloc[0]} times)")
    table.to_csv(folder / "guesses.csv", index=False)
    draw_all(table).savefig(folder / "guesses.png", dpi=120)
    print(f"written: {folder / 'guesses.csv'}, {folder / 'guesses.png'}")
    for problem in problems:
        print(f"✗ left out: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)


if __name__ == "__main__":
    sys.exit(main())
