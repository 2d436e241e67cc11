"""Executed statements of results."""

from __future__ import annotations

from mtl_utils.course.recording import record_claim


class ClaimError(AssertionError):
    """A claim does not hold. The message has the sentence and the numbers."""


def claim(sentence: str, holds: object, **numbers: object) -> None:
    """Print a sentence with a ✓ if it holds; raise with the numbers if it does not.

    Args:
        sentence: what was found. Keep out digits that change from machine to machine, for the output is compared.
        holds: the condition.
        numbers: what the condition was computed from, shown if it fails.

    Raises:
        ClaimError: if the condition is false.
    """
    measured = ", ".join(f"{name.replace('_', ' ')} = {_short(value)}" for name, value in numbers.items())
    _judge(sentence, bool(holds), f"measured: {measured}" if measured else "")


def _judge(sentence: str, holds: bool, details: str) -> None:
    failed = f"✗ not so here: {sentence}" + (f" ({details})" if details else "")
    recorded = record_claim(sentence, holds, details)
    if not holds and not recorded:  # a recorded one hides none of those after it
        raise ClaimError(failed)
    print(f"✓ {sentence}" if holds else failed)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def agree(sentence: str, mine: object, reference: object, tolerance: float = 1e-5) -> None:
    """Claim that a hand-written result and the library's agree, in shape and value.

    Args:
        sentence: what agrees.
        mine, reference: numbers, tensors, or sequences of numbers.
        tolerance: largest difference allowed, relative to the reference's largest value (or 1, if that is larger).
    """
    import torch

    first, second = (
        # Python's numbers are double already, and must not pass through torch's default of 32 bits.
        (value.detach() if isinstance(value, torch.Tensor) else torch.as_tensor(value, dtype=torch.float64)).cpu().double()
        for value in (mine, reference)
    )
    if first.shape != second.shape:
        return _judge(sentence, False, f"shapes {tuple(first.shape)} and {tuple(second.shape)}")
    difference = float((first - second).abs().max()) if first.numel() else 0.0
    scale = max(1.0, float(second.abs().max())) if second.numel() else 1.0
    claim(sentence, difference <= tolerance * scale, largest_difference=difference)
