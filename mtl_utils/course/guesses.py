"""Guesses before results: an exercise without a wrong answer. A guess is kept, and shown beside the result afterwards."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

Answer = bool | int | float | str | list[Any] | dict[str, Any]
FOLDER = "MTL_GUESSES"  # the environment variable that names a folder: then every guess of this student goes to a file in it


@dataclass
class Guess:
    """What a student expected, and what was measured. Numbers in the files of all students have this form."""

    value: Answer
    question: str = ""
    result: Answer | None = None


@dataclass
class _Kept:
    """The guesses of this kernel, and the file that they go to, if any."""

    guesses: dict[str, Guess] = field(default_factory=dict)
    student: str = ""
    file: Path | None = None


_kept = _Kept()


def guess(
    number: str,
    value: object = ...,
    *,
    question: str = "",
    choices: Sequence[str] = (),
    between: tuple[float, float] | None = None,
) -> None:
    """Keep a guess. There is no wrong one.

    Before the result was shown, a new guess takes the place of the old one; afterwards the old one stays.

    Args:
        number: the number of the guess, such as `"04.3"`. It is the same in `show_guess`.
        value: a number, a word, `True` or `False`, or a list or dictionary of these. `...` means: not guessed yet.
        question: the question in a few words. It is the title in the teacher's histogram.
        choices: the words to choose from, if it is a choice.
        between: the least and the greatest number that can be, such as `(0, 100)` for a share in percent.

    Raises:
        TypeError: if the value is something else, such as a function.

    Examples:
        >>> guess("04.3", ...)
        … Guess 04.3: write yours in place of `...` and run this cell
        >>> guess("04.3", 40)
        ✓ Guess 04.3: 40 is kept
        >>> guess("04.4", "louder", choices=("faster", "slower"))
        … Guess 04.4: 'louder' is not a choice here. Choose one of: 'faster', 'slower'
        >>> guess("04.5", 140, between=(0, 100))
        … Guess 04.5: 140 cannot be. Write a number from 0 to 100
        >>> show_guess("04.3", 62.5)
        Guess 04.3: you said 40. The result is 62.5, which is 22.5 more.
    """
    if value is None or value is ...:
        print(f"… Guess {number}: write yours in place of `...` and run this cell")
        return
    plain = _plain(value, number)
    if choices and plain not in choices:
        print(f"… Guess {number}: {plain!r} is not a choice here. Choose one of: {', '.join(map(repr, choices))}")
        return
    if between is not None and not _lies(plain, between):
        print(f"… Guess {number}: {_words(plain)} cannot be. Write a number from {between[0]:g} to {between[1]:g}")
        return
    before = _kept.guesses.get(number)
    if before is not None and before.result is not None and before.value != plain:
        print(f"… Guess {number}: you have seen the result already, so your guess stays {_words(before.value)}")
        return
    _kept.guesses[number] = Guess(plain, question or number, before.result if before else None)
    print(f"✓ Guess {number}: {_words(plain)} is kept")
    _save()


def show_guess(number: str, result: object, *, unit: str = "") -> None:
    """Print the guess beside the result; without a guess, say that there is none and keep quiet about the result.

    Args:
        number: as in `guess`.
        result: what was measured, of the same kind as the guess.
        unit: written behind both numbers, such as `" %"`.

    Examples:
        >>> show_guess("99.1", 3.0)
        … Guess 99.1: you made none. Next time guess before you run the cell: you will remember the result better.
    """
    kept = _kept.guesses.get(number)
    if kept is None:
        print(f"… Guess {number}: you made none. Next time guess before you run the cell: you will remember the result better.")
        return
    measured = _plain(result, number)
    mine, there = _words(kept.value) + unit, _words(measured) + unit
    both = [kept.value, measured]
    if all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in both):
        difference = float(cast(float, measured)) - float(cast(float, kept.value))
        compared = f", which is {abs(difference):.3g} {'more' if difference > 0 else 'less'}" if difference else ", too"
    else:
        compared = ", too" if kept.value == measured else ""
    print(f"Guess {number}: you said {mine}. The result is {there}{compared}.")
    kept.result = measured
    _save()


def guessed(number: str) -> Answer | None:
    """The value of a guess, for a figure that marks it; `None` if there is none."""
    kept = _kept.guesses.get(number)
    return kept.value if kept is not None else None


def keep_guesses(student: str, folder: str | Path = "guesses") -> Path:
    """From now on write every guess of this kernel to `folder/student.json`, too. Guesses that the file has are read.

    If the environment variable `MTL_GUESSES` names a folder, this happens at the first guess, under the name of the user.

    Args:
        student: a name or a number; a teacher collects one file for each.
        folder: is made if it is not there.

    Raises:
        ValueError: if the name cannot be a file's name, or the file is not one of guesses.
    """
    name = student.strip()
    if not name or name.startswith(".") or any(sign in name for sign in '/\\:*?"<>|\0'):
        raise ValueError(f"a student's name becomes the name of a file, and {student!r} cannot: use letters, digits and spaces")
    file = Path(folder) / f"{name}.json"
    if file.exists():
        _, old = read_guesses(file)
        _kept.guesses = {**old, **_kept.guesses}
    file.parent.mkdir(parents=True, exist_ok=True)
    _kept.student, _kept.file = name, file
    _save()
    return file


def read_guesses(file: str | Path) -> tuple[str, dict[str, Guess]]:
    """A student's name and guesses, from the student's file.

    Raises:
        ValueError: if the file is not one that `keep_guesses` made. The message names it.
    """
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
        student = found["student"]
        guesses = {str(number): Guess(**entry) for number, entry in found["guesses"].items()}
        if not isinstance(student, str) or any(not isinstance(each.question, str) for each in guesses.values()):
            raise TypeError("student and question must be words")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{file} is not a file of guesses ({type(error).__name__}: {error})") from error
    return student, guesses


def _save() -> None:
    folder = os.environ.get(FOLDER)
    if _kept.file is None and folder:
        import getpass

        keep_guesses(getpass.getuser(), folder)  # comes back here, with a file
        return
    if _kept.file is None:
        return
    text = {"student": _kept.student, "guesses": {number: asdict(each) for number, each in sorted(_kept.guesses.items())}}
    unfinished = _kept.file.with_suffix(".json.part")
    unfinished.write_text(json.dumps(text, ensure_ascii=False, indent=1), encoding="utf-8")
    unfinished.replace(_kept.file)  # whole or not at all


def _lies(value: Answer, between: tuple[float, float]) -> bool:
    """Whether a number, or every number of a list or a dictionary, lies between two, or is one of them."""
    if isinstance(value, (list, dict)):
        return all(_lies(each, between) for each in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, (int, float)) and not isinstance(value, bool) and between[0] <= value <= between[1]


def _plain(value: object, number: str) -> Answer:
    """The value as JSON has it: one element of a tensor or array becomes a number, a tuple a list."""
    if isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"guess {number} must be a finite number, not {value}")
        return value
    if isinstance(value, dict):
        return {str(key): _plain(each, number) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, number) for each in value]
    if hasattr(value, "tolist"):  # tensors and arrays, with any number of elements
        return _plain(value.tolist(), number)
    raise TypeError(f"guess {number} must be a number, a word, True or False, not a {type(value).__name__}")


def _words(value: Answer) -> str:
    if isinstance(value, bool) or not isinstance(value, float):
        return repr(value) if isinstance(value, str) else str(value)
    return f"{value:.4g}"
