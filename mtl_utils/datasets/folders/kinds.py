"""From a column of cells to a task with its targets: class names or numbers, inferred or stated."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_utils.datasets.folders.problems import FolderError
from mtl_utils.tasks import MISSING_CLASS, Task, classification, regression

# How a task can be stated: its kind, its classes in order, or a whole Task.
Kind = str | Sequence[str] | Task
KINDS = ("classification", "regression")
_MOST_CLASS_NUMBERS = 20  # more different whole numbers than this are amounts
_WORDS_FOR_NOTHING = {"na", "n/a", "nan", "none", "null", "?", "-", "missing", "unknown", "#n/a"}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_column(
    name: str, cells: Sequence[str], where: Sequence[str], kind: Kind | None = None, *, comma: bool = False
) -> tuple[Task, Tensor]:
    """A task and the targets of all rows. An empty cell is a missing label.

    Inferred: a column of numbers is a regression, unless they are at most 20 different whole numbers, each of them at least
    twice on average, which are classes; a column of words is a classification.

    Args:
        name: the task's name.
        cells: texts.
        where: where each cell stands, for messages.
        kind: `"classification"`, `"regression"`, the class names in order, or a `Task`; inferred by default.
        comma: whether 1,5 is a number (as tables with semicolons have it).

    Raises:
        FolderError: if the column is neither classes nor numbers, or not what is stated. Names the lines.
    """
    texts = [cell.strip() for cell in cells]
    present = [number for number, text in enumerate(texts) if text]
    if not present:
        raise FolderError(f"column '{name}' has no label at all; leave it out by naming the other columns: tasks=…")
    numbers = [_number(text, comma) if text else None for text in texts]
    strange = [number for number in present if numbers[number] is None]
    if isinstance(kind, str) and kind not in KINDS:
        raise FolderError(
            f"column '{name}': its kind must be one of {', '.join(KINDS)}, or a list of class names, not {kind!r}"
        )
    if isinstance(kind, Task):
        if kind.stride is not None or (not kind.is_classification and kind.output_size != 1):
            raise FolderError(f"column '{name}': a column holds one answer per image, which a {kind.kind} task is not")
        return kind, _stated(kind, name, texts, numbers, strange, where)
    if kind is None:
        kind = _inferred(name, texts, present, numbers, strange, where)
    if kind == "regression":
        task = regression(name)
        return task, _stated(task, name, texts, numbers, strange, where)
    names = _class_names(texts, numbers, strange) if isinstance(kind, str) else tuple(str(each) for each in kind)
    if len(names) < 2:
        raise FolderError(f"column '{name}' has one class only, '{names[0]}': there is nothing to tell apart; leave it out")
    task = classification(name, names)
    return task, _stated(task, name, texts, numbers, strange, where)


def _inferred(
    name: str,
    texts: Sequence[str],
    present: Sequence[int],
    numbers: Sequence[float | None],
    strange: Sequence[int],
    where: Sequence[str],
) -> str:
    different = {texts[number] for number in present}
    if not strange:
        values = {numbers[number] for number in present}
        whole = all(value is not None and value == int(value) for value in values)
        few = len(values) <= min(_MOST_CLASS_NUMBERS, max(len(present) // 2, 2))
        return "classification" if whole and few else "regression"
    if len(strange) < len(present) and (len(strange) <= len(present) / 2 or _all_nothing(texts, strange)):
        hint = "leave a cell empty where a label is missing" if _all_nothing(texts, strange) else "mend them"
        raise FolderError(
            f"column '{name}' is neither classes nor numbers: most cells are numbers, these are not ({hint}; or state "
            f"tasks={{'{name}': 'classification'}})",
            [f"{where[number]}: {texts[number][:60]!r}" for number in strange],
        )
    if len(different) > 2 and len(different) > max(len(present) // 2, 1):
        raise FolderError(
            f"column '{name}' is neither classes nor numbers: {len(different):,} different texts in {len(present):,} cells, "
            f"such as {texts[present[0]][:40]!r} ({where[present[0]]}); leave it out by naming the other columns, or state "
            f"tasks={{'{name}': 'classification'}}"
        )
    return "classification"


def _all_nothing(texts: Sequence[str], strange: Sequence[int]) -> bool:
    return all(texts[number].lower() in _WORDS_FOR_NOTHING for number in strange)


def _class_names(texts: Sequence[str], numbers: Sequence[float | None], strange: Sequence[int]) -> tuple[str, ...]:
    """The different texts, in the order of their values if they are numbers; of the alphabet, if not."""
    if strange:
        return tuple(sorted({text for text in texts if text}))
    by_value: dict[float, str] = {}
    for text, value in zip(texts, numbers, strict=True):
        if value is not None:
            by_value.setdefault(value, text if value != int(value) else str(int(value)))
    return tuple(by_value[value] for value in sorted(by_value))


def _stated(
    task: Task, name: str, texts: Sequence[str], numbers: Sequence[float | None], strange: Sequence[int], where: Sequence[str]
) -> Tensor:
    """Targets for a task that is known: `int64` `[N]` or `float32` `[N, 1]`."""
    if not task.is_classification:
        if strange:
            raise FolderError(
                f"column '{name}' must hold numbers (an empty cell where a label is missing); these are none",
                [f"{where[number]}: {texts[number][:60]!r}" for number in strange],
            )
        values = [float("nan") if value is None else value for value in numbers]
        return torch.tensor(values, dtype=torch.float64).float().unsqueeze(1)
    classes = {text: number for number, text in enumerate(task.class_names or map(str, range(task.output_size)))}
    by_value = {_number(each, False): number for each, number in classes.items()}  # so that 3.0 is class 3
    targets, unknown = [], []
    for row, text in enumerate(texts):
        value = numbers[row]
        if not text:
            targets.append(MISSING_CLASS)
        elif text in classes:
            targets.append(classes[text])
        elif value is not None and value in by_value:
            targets.append(by_value[value])
        else:
            unknown.append(f"{where[row]}: {text[:60]!r}")
    if unknown:
        raise FolderError(f"column '{name}' has classes that are not among {', '.join(classes)}", unknown)
    return torch.tensor(targets, dtype=torch.int64)


def _number(text: str, comma: bool) -> float | None:
    """A number that 32 bits can hold, with a decimal point (or comma); `None` for anything else."""
    if comma:
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if abs(value) < 3e38 else None
