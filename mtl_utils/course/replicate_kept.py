"""Outcomes of a replication in a file: an interrupted replication goes on, and a table grows notebook by notebook."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from mtl_utils.course.recording import Judged
from mtl_utils.course.replicate_runs import Outcome, Place, Run


def fingerprint(notebook: Path) -> str:
    """What a notebook computes: changes with the source of any code cell, not with text or outputs."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:12]


class Kept:
    """A file with a line of JSON for each outcome; what was found with another version of a notebook does not count.

    Only the notebooks' code cells are compared. Delete the file after a change in the library that changes results.

    Args:
        file: read if it is there, and appended to.
        paths: the notebooks as they stand.

    Raises:
        ValueError: if the file holds something else.
    """

    def __init__(self, file: Path, paths: list[Path]) -> None:
        self.file = file
        self._fingerprints = {path.stem: fingerprint(path) for path in paths}
        self.outcomes: list[Outcome] = []
        if not file.exists():
            return
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            try:
                entry = json.loads(line)
                if self._fingerprints.get(entry["notebook"]) != entry.pop("fingerprint"):
                    continue
                claims = {Place(entry["notebook"], cell, nth): Judged(**claim) for cell, nth, claim in entry.pop("claims")}
                run, errors = Run(**entry.pop("run")), tuple(entry.pop("errors"))
                self.outcomes.append(Outcome(run=run, claims=claims, errors=errors, **entry))
            except (KeyError, TypeError, ValueError) as problem:
                raise ValueError(f"{file}, line {number} is no outcome of a replication; name another file") from problem

    def has(self, path: Path, run: Run) -> bool:
        """Whether this notebook, as it stands, was run in this way."""
        return any(each.notebook == path.stem and each.run.name == run.name for each in self.outcomes)

    def add(self, outcome: Outcome) -> None:
        """Append an outcome, so that nothing finished is lost."""
        self.outcomes.append(outcome)
        entry = {
            "fingerprint": self._fingerprints[outcome.notebook],
            "notebook": outcome.notebook,
            "run": asdict(outcome.run),
            "claims": [(place.cell, place.nth, asdict(claim)) for place, claim in outcome.claims.items()],
            "errors": outcome.errors,
            "seconds": round(outcome.seconds, 1),
        }
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
