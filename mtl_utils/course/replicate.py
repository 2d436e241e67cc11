"""Judge the claims of the notebooks again, with other seeds and as other processors.

    python -m mtl_utils.course.replicate --shift 1000 2000 --machine one-thread default --only 03,08 --table claims.md

runs each notebook once for every shift (that number is added to all seeds) and once for every kind of machine (with the
seeds as they stand). Every claim is judged by itself: one that fails does not hide those after it. The notebooks' files
are not changed. Prints how often each claim held, and the numbers where it did not; `--table` writes this for all claims.
With `--keep FILE` every finished run goes into that file, and is not run again while the notebook's code is the same: an
interrupted replication goes on, and a table of all notebooks can be made notebook by notebook.

Two environment variables do it, and nothing is patched: `MTL_SEED_SHIFT` is read by `randomness.generator` alone, and
`MTL_CLAIMS` (a file) by `course.recording` alone. Chance that a notebook takes from elsewhere does not shift.

The command ends with 0 if every claim held with at least 9 of 10 shifts and on all machines, else with 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from mtl_utils.course.recording import FILE, Judged, read_claims
from mtl_utils.course.replicate_kept import Kept
from mtl_utils.course.replicate_runs import MACHINES, Outcome, Place, Run
from mtl_utils.course.replicate_table import Row, print_rows, rows_of, write_table

SECONDS_PER_CELL = 1200  # older instruction sets are several times slower


def run_notebook(path: Path, run: Run, environment: Mapping[str, str] | None = None, before: str = "") -> Outcome:
    """Execute a notebook from top to bottom in its folder, whatever its cells raise. Its file stays as it is.

    Args:
        path: the notebook.
        run: with which seeds, and as which machine.
        environment: further variables for its kernel.
        before: code for a cell of its own before the first one.
    """
    import nbformat
    from nbclient import NotebookClient

    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # this environment's kernel, not one that the user once installed
    notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    if before:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(before))  # type: ignore[no-untyped-call]
    start = time.perf_counter()
    claims: dict[Place, Judged] = {}
    errors = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "claims"
        seen = 0

        def collect(cell_index: int, **_: object) -> None:
            nonlocal seen
            new = read_claims(file)[seen:]
            seen += len(new)
            claims.update({Place(path.stem, cell_index, nth): claim for nth, claim in enumerate(new)})

        client = NotebookClient(
            notebook,
            timeout=SECONDS_PER_CELL,
            allow_errors=True,
            kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_executed=lambda cell, cell_index, **_: collect(cell_index),
        )
        client.execute(env={**os.environ, **run.environment(), **(environment or {}), FILE: str(file)})
    printed = ""
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                errors.append(f"cell {number} raised {output.ename}: {output.evalue.splitlines()[0] if output.evalue else ''}")
            if output.output_type == "stream":
                printed += output.text if output.name == "stdout" else ""
            if output.output_type == "stream" and "solution" in cell.metadata.get("tags", []):
                errors += [f"cell {number}, a solution: {line}" for line in re.findall(r"^✗.*", output.text, re.MULTILINE)]
    return Outcome(path.stem, run, claims, tuple(errors), time.perf_counter() - start, printed)


def _run_or_say(path: Path, run: Run) -> Outcome:
    """As `run_notebook`; a kernel that dies or hangs costs this run alone, not those that wait behind it."""
    start = time.perf_counter()
    try:
        return run_notebook(path, run)
    except (OSError, RuntimeError) as problem:  # TimeoutError, too
        first = str(problem).strip().splitlines()[:1]
        error = f"the run was cut short ({type(problem).__name__}: {''.join(first)}); its claims do not count, run it again"
        return Outcome(path.stem, run, {}, (error,), time.perf_counter() - start, cut=True)


def replicate(
    paths: Sequence[Path], runs: Sequence[Run], jobs: int = 1, done: Callable[[Path, Run], bool] = lambda *_: False
) -> Iterator[Outcome]:
    """Run every notebook in every way, `jobs` side by side with one thread each; outcomes come as they are finished.

    What is `done` already is left out.

    Runs with two threads come first and by themselves, because two processes with two threads each slow each other down.
    """
    alone = [run for run in runs if jobs == 1 or run.machine == "two-threads"]
    for run in alone:
        yield from (_run_or_say(path, run) for path in paths if not done(path, run))
    beside = [replace(run, threads=1) for run in runs if run not in alone]
    if beside:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            waiting = [pool.submit(_run_or_say, path, run) for run in beside for path in paths if not done(path, run)]
            yield from (finished.result() for finished in as_completed(waiting))


def good_enough(rows: Iterable[Row]) -> bool:
    """Whether every claim held with at least 9 of 10 shifts, and on all machines."""
    return all(row.shifts_held >= 0.9 * row.shifts and row.machines_held == row.machines for row in rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    chosen = _parser().parse_args(arguments)
    paths = sorted(chosen.notebooks.glob("[0-9][0-9]_*.ipynb"))
    numbers = [number for number in chosen.only.split(",") if number]
    unknown = set(numbers) - {path.name[:2] for path in paths}
    if unknown or not paths:
        print(f"✗ {chosen.notebooks} has no notebook {', '.join(sorted(unknown)) or 'at all'}", file=sys.stderr)
        return 2
    paths = [path for path in paths if not numbers or path.name[:2] in numbers]
    runs = [Run(shift=shift) for shift in chosen.shift] + [Run(machine=machine) for machine in chosen.machine]
    runs = runs or [Run()]
    try:
        kept = Kept(chosen.keep, paths) if chosen.keep else None
    except ValueError as problem:
        print(f"✗ {problem}", file=sys.stderr)
        return 2
    names = [run.name for run in runs]
    outcomes = [each for each in kept.outcomes if each.run.name in names] if kept else []
    for outcome in replicate(paths, runs, chosen.jobs, kept.has if kept else lambda *_: False):
        held = sum(claim.holds for claim in outcome.claims.values())
        failed = len(outcome.claims) - held
        print(
            f"{outcome.notebook}, {outcome.run.name}: {held} claims hold, {failed} fail, {len(outcome.errors)} errors, "
            f"{outcome.seconds:.0f} s",
            flush=True,
        )
        outcomes.append(outcome)
        if kept and not outcome.cut:
            kept.add(outcome)
    rows = rows_of(outcome for outcome in outcomes if not outcome.cut)
    print_rows(rows)
    if chosen.table:
        write_table(rows, chosen.table, f"Runs: {', '.join(names)}. Processor: {platform.machine()}, {os.cpu_count()} cores.")
    errors = [f"{outcome.notebook}, {outcome.run.name}: {error}" for outcome in outcomes for error in outcome.errors]
    for error in errors:
        print(f"✗ {error}")
    return 0 if good_enough(rows) and not errors else 1


def _table_file(name: str) -> Path:
    if not name.endswith((".csv", ".md")):
        raise argparse.ArgumentTypeError(f"{name} must end in .csv or .md")
    return Path(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mtl_utils.course.replicate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--shift", type=int, nargs="+", default=[], metavar="N", help="numbers to add to all seeds, a run for each"
    )
    parser.add_argument(
        "--machine", nargs="+", default=[], choices=MACHINES, help="kinds of machine to compute as, a run for each"
    )
    parser.add_argument("--only", default="", metavar="03,08", help="numbers of the notebooks to run; all if not given")
    parser.add_argument("--jobs", type=int, default=1, help="how many notebooks run side by side, with one thread each")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep finished runs here, and do not run them again")
    parser.add_argument("--table", type=_table_file, metavar="FILE", help="write the table of all claims here (.csv or .md)")
    parser.add_argument("--notebooks", type=Path, default=Path("notebooks"), help="the folder of the notebooks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
