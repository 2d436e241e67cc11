"""What is wrong with a folder, told all at once."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 10


class FolderError(ValueError):
    """Images or labels in a folder cannot be used. The message names the files or the lines, and says what to do.

    Attributes:
        problems: one text for each file or line, all of them; the message shows the first ten.
    """

    def __init__(self, headline: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(listed(headline, problems) if problems else headline)


def listed(headline: str, problems: Sequence[str]) -> str:
    """A headline and the first ten of the problems, one a line."""
    lines = [f"{headline}:", *(f"  {problem}" for problem in problems[:SHOWN])]
    if len(problems) > SHOWN:
        lines.append(f"  and {len(problems) - SHOWN:,} more")
    return "\n".join(lines)
