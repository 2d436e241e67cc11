"""Executed statements of results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING

from mtl_utils.course.printing import print_line
from mtl_utils.course.recording import record_claim

if TYPE_CHECKING:
    from torch import Tensor

# How the line of numbers below a ✓ begins. The tests of the notebooks leave out such lines (`tests/measured.cfg`).
MEASURED = "    measured: "


class ClaimError(AssertionError):
    """A claim does not hold. The message has the sentence and the numbers."""


def claim(sentence: str, holds: object, **numbers: object) -> None:
    """Print a sentence with a ✓ if it holds, and below it what was measured; raise with the numbers if it does not hold.

    Args:
        sentence: what was found. Keep out digits that change from machine to machine: the sentence is compared when the
            notebooks are tested, the line of numbers below it is not.
        holds: the condition, a truth value: `bool`, NumPy's, or a tensor with one of them.
        numbers: what the condition was computed from. Of a list of numbers (one for each seed) the mean and its 95 % interval
            are shown.

    Raises:
        ClaimError: if the condition is false.
        TypeError: if the condition is no truth value, such as a function that nobody called, or a list.

    Example:
        >>> claim('sharing needs fewer parameters', 22350 < 43680, shared=22350, single=43680)
        ✓ sharing needs fewer parameters
            measured: shared = 22350, single = 43680
    """
    true = _truth(sentence, holds)
    measured = ", ".join(f"{name.replace('_', ' ')} = {_short(value)}" for name, value in numbers.items())
    if true:
        _record_or_raise(sentence, true, f"measured: {measured}" if measured else "")
        print_line(f"✓ {sentence}" + (f"\n{MEASURED}{measured}" if measured else ""))
    else:
        _record_or_raise(sentence, true, f"measured: {measured}" if measured else "")


def _record_or_raise(sentence: str, holds: bool, details: str) -> None:
    """Note down the claim, if notes are taken (a failed claim then hides none of those after it); else raise if it fails."""
    failed = f"✗ not so here: {sentence}" + (f" ({details})" if details else "")
    recorded = record_claim(sentence, holds, details)
    if holds:
        return
    if not recorded:
        raise ClaimError(failed)
    print_line(failed)


def agree(sentence: str, mine: object, reference: object, tolerance: float = 1e-5) -> None:
    """Claim that a hand-written result and the library's agree, in shape and value.

    Args:
        sentence: what agrees.
        mine, reference: numbers, tensors, or sequences of numbers; finite, and at least one.
        tolerance: largest difference allowed, relative to the reference's largest value (or 1, if that is larger).

    Raises:
        ClaimError: if they differ, are empty, or hold values that are not finite.
        ValueError: if the tolerance is negative or not finite.

    Example:
        >>> import torch
        >>> agree("my softmax and the library's agree", [0.5, 0.5], torch.tensor([0.0, 0.0]).softmax(0))
        ✓ my softmax and the library's agree
            measured: largest difference = 0
    """
    if not 0 <= tolerance < math.inf:
        raise ValueError(f"a tolerance must be zero or more and finite, not {tolerance!r}")
    first, second = _numbers(mine), _numbers(reference)
    if first.shape != second.shape:
        return _record_or_raise(sentence, False, f"shapes {tuple(first.shape)} and {tuple(second.shape)}")
    if first.numel() == 0:
        return _record_or_raise(sentence, False, "both are empty: there is nothing that agrees")
    for whose, values in (("mine", first), ("the reference", second)):
        if not bool(values.isfinite().all()):
            odd = int((~values.isfinite()).sum())
            return _record_or_raise(sentence, False, f"{odd} of {values.numel()} values of {whose} are not finite")
    difference = float((first - second).abs().max())
    scale = max(1.0, float(second.abs().max()))
    claim(sentence, difference <= tolerance * scale, largest_difference=difference)


def _truth(sentence: str, holds: object) -> bool:
    import torch

    if isinstance(holds, bool):
        return holds
    if isinstance(holds, torch.Tensor) and holds.dtype == torch.bool and holds.numel() == 1:
        return bool(holds)
    if type(holds).__module__ == "numpy" and type(holds).__name__ in ("bool", "bool_"):
        return bool(holds)
    kind = f"a {type(holds).__name__}"
    if isinstance(holds, torch.Tensor):
        kind = f"a tensor of {holds.dtype} with {holds.numel()} elements"
    hint = "; call it" if callable(holds) else ""
    raise TypeError(f"claim({sentence!r}, …) takes a truth value, such as a > b or all(…), not {kind}{hint}")


def _numbers(value: object) -> Tensor:
    import torch

    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu()
        return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
    # Python's numbers are double already, and must not pass through torch's default of 32 bits.
    is_complex = isinstance(value, complex) or (
        isinstance(value, Sequence) and any(isinstance(each, complex) for each in value)
    )
    return torch.as_tensor(value, dtype=torch.complex128 if is_complex else torch.float64)


def _short(value: object) -> str:
    # Imported here, since the check of the computer, in this room too, must be able to say that PyTorch is missing.
    import torch

    from mtl_utils.measures.intervals import Interval, mean_interval

    if isinstance(value, torch.Tensor):
        if value.numel() > 1 and value.dim() != 1:
            return f"{tuple(value.shape)} from {_short(value.min().item())} to {_short(value.max().item())}"
        value = value.detach().cpu().tolist()
    if isinstance(value, Interval):
        return f"{_short(value.mean)} ± {_short(value.half_width)}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_short(each)}" for key, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        numbers = [float(each) for each in value if isinstance(each, Real) and not isinstance(each, bool)]
        if len(numbers) == len(value) >= 3 and not all(isinstance(each, Integral) for each in value):
            return f"{_short(mean_interval(numbers))} (mean of {len(numbers)}, with its 95 % interval)"
        return "[" + ", ".join(_short(each) for each in value) + "]"
    if isinstance(value, Real) and not isinstance(value, bool | Integral):
        return f"{float(value):.4g}"
    return str(value)
