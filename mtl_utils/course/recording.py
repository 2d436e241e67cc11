"""Where claims go while a notebook is replicated: a line each in a file. A claim that fails raises no error then."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "MTL_CLAIMS"  # the environment variable that names the file; `mtl_utils.course.replicate` sets it


@dataclass(frozen=True)
class Judged:
    """A claim as it was judged in one run."""

    sentence: str
    holds: bool
    details: str = ""


def record_claim(sentence: str, holds: bool, details: str) -> bool:
    """Write a claim to the file that the environment names. Returns whether there is such a file."""
    file = os.environ.get(FILE)
    if not file:
        return False
    with Path(file).open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(Judged(sentence, holds, details)), ensure_ascii=False) + "\n")
    return True


def read_claims(file: Path) -> list[Judged]:
    """The claims that were written so far, in order."""
    if not file.exists():
        return []
    return [Judged(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
