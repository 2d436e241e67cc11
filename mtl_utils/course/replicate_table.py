"""The table of a replication: how often each claim held, and the numbers where it did not."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from mtl_utils.course.replicate_runs import Outcome


@dataclass(frozen=True)
class Row:
    """How often a claim held with shifted seeds and on the kinds of machine, and what was measured where it did not."""

    notebook: str
    cell: int
    claim: str
    shifts_held: int
    shifts: int
    machines_held: int
    machines: int
    where_not: str

    @property
    def always(self) -> bool:
        """Whether it held in every run."""
        return self.shifts_held == self.shifts and self.machines_held == self.machines


def rows_of(outcomes: Iterable[Outcome]) -> list[Row]:
    """A row for every claim that any run reached.

    A run that did not reach it, because its cell raised before, counts as one where it did not hold.
    """
    by_notebook: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_notebook.setdefault(outcome.notebook, []).append(outcome)
    rows = []
    for notebook, runs in sorted(by_notebook.items()):
        for place in sorted({place for run in runs for place in run.claims}):
            sentence = next(run.claims[place].sentence for run in runs if place in run.claims)
            held = {True: 0, False: 0}
            where_not = []
            for run in runs:
                claim = run.claims.get(place)
                if claim is not None and claim.holds:
                    held[run.run.shift != 0] += 1
                else:
                    where_not.append(f"{run.run.name}: {'not reached' if claim is None else claim.details or 'no numbers'}")
            shifts = sum(run.run.shift != 0 for run in runs)
            machines = len(runs) - shifts
            rows.append(
                Row(notebook, place.cell, sentence, held[True], shifts, held[False], machines, "; ".join(sorted(where_not)))
            )
    return rows


def print_rows(rows: Sequence[Row]) -> None:
    """Print the claims that did not hold in every run, and a last line with the share of those that did."""
    for row in rows:
        if not row.always:
            print(f"✗ {row.notebook}, cell {row.cell}: {row.claim}")
            print(
                f"    held with {row.shifts_held} of {row.shifts} shifts and on {row.machines_held} of {row.machines} machines"
            )
            print(f"    {row.where_not}")
    always = sum(row.always for row in rows)
    print(f"{always} of {len(rows)} claims hold in every run" + (f" ({always / len(rows):.1%})" if rows else ""))


def write_table(rows: Sequence[Row], file: Path, note: str) -> None:
    """Write all rows as Markdown (`.md`, with the note above), or as CSV.

    Raises:
        ValueError: if the file's name ends otherwise.
    """
    if file.suffix == ".csv":
        with file.open("w", encoding="utf-8", newline="") as text:
            names = [field.name for field in fields(Row)]
            writer = csv.writer(text, lineterminator="\n")
            writer.writerows([names, *([getattr(row, name) for name in names] for row in rows)])
    elif file.suffix == ".md":
        lines = [note, "", "| notebook | cell | claim | shifts | machines | where not |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {row.notebook[:2]} | {row.cell} | {_cell(row.claim)} | {row.shifts_held} of {row.shifts} "
            f"| {row.machines_held} of {row.machines} | {_cell(row.where_not)} |"
            for row in rows
        ]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        raise ValueError(f"the table's file must end in .csv or .md, and {file} does not")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
