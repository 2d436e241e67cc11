"""A table of results on disk: every finished run is there before the next begins, and says what made it."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
# The rooms whose code decides what comes out of a run. A change of words in a plot does not make a result old.
_ROOMS = ("tasks", "randomness.py", "evaluation", "datasets", "models", "penalties", "balancing", "training")


class ResultsFile:
    """Rows of finished runs in a CSV file.

    Args:
        path: the file; made with its first run.

    Raises:
        ValueError: if the file is no table of results.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"results=: there is no folder {self.path.parent} for '{self.path.name}'")
        self.rows = []
        if self.path.exists():
            read = _read(self.path)
            self.rows = _complete(read)
            if len(self.rows) < len(read):
                self._write(self.rows)  # without what an interruption left half written

    def has(self, way: str, seed: int, made_by: str) -> bool:
        """Whether this run is finished.

        Raises:
            ValueError: if it was made by something else (see `fingerprint`).
        """
        found = {row["made_by"] for row in self.rows if row["way"] == way and int(row["seed"]) == seed}
        if found and found != {made_by}:
            raise ValueError(
                f"{self.path} has a result of way '{way}' with seed {seed} that other settings, data or code have made "
                f"(it says {', '.join(sorted(found))}, now it would be {made_by}). Name another file in results=, or delete "
                "this one to begin anew"
            )
        return bool(found)

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Put the rows of one finished run on disk."""
        new = [{**row, "rows": len(rows)} for row in rows]
        begins = not self.path.exists() or self.path.stat().st_size == 0
        text = io.StringIO()
        writer = csv.DictWriter(text, list(new[0]), lineterminator="\n")
        if begins:
            writer.writeheader()
        writer.writerows(new)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        self.rows += [{name: str(value) for name, value in row.items()} for row in new]

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            self.path.unlink(missing_ok=True)
            return
        unfinished = self.path.with_name(f"{self.path.name}.unfinished")
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        unfinished.replace(self.path)


def fingerprint(*described: str) -> str:
    """Twelve hexadecimal digits that change when the settings, the data, the version of PyTorch or the code change."""
    import torch

    checksum = hashlib.sha256()
    for room in _ROOMS:
        place = _ROOT / room
        for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
            checksum.update(file.read_bytes())
    for each in (torch.__version__.split("+")[0], *described):
        checksum.update(each.encode() + b"\0")
    return checksum.hexdigest()[:12]


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"way", "seed", "made_by", "rows"} <= set(rows[0]):
        raise ValueError(f"{path} is no table of results: its columns are {list(rows[0])}")
    return rows


def _complete(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows of runs that are whole: an interruption may have cut the last one."""
    whole = [row for row in rows if None not in row.values()]
    counts = Counter((row["way"], row["seed"]) for row in whole)
    return [row for row in whole if str(counts[row["way"], row["seed"]]) == row["rows"]]
