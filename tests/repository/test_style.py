"""Linting, formatting and types are part of the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["ruff", "check", "mtl_utils", "tests"],
        ["ruff", "format", "--check", "mtl_utils", "tests"],
        ["mypy"],
        ["ruff", "format", "--check", "--isolated", "--line-length", "100", "notebooks"],
        ["ruff", "check", "--isolated", "--select", "F,B,E9,W6", "--ignore", "F401,F811,B007,B018,B905,B904,B023", "notebooks"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_style(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
