"""Printing on any terminal."""

from __future__ import annotations

import sys


def print_line(text: str) -> None:
    """Print a line, also on a terminal that has no ✓ (one whose encoding is not UTF-8): there it says `ok`."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        for sign, word in (("✓", "ok:"), ("✗", "not so:"), ("…", "..."), ("±", "+-"), ("−", "-"), ("Δ", "Delta "), ("×", "x")):
            text = text.replace(sign, word)
        text = text.encode(encoding, errors="replace").decode(encoding)
    print(text)
