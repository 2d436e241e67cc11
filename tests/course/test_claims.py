"""Claims print what holds, and raise with the numbers what does not."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_utils.course.claims import ClaimError, agree, claim


def test_what_holds_is_printed(capsys):
    claim("two is more than one", True, two=2)
    claim("a tensor will do", torch.tensor(True))
    assert capsys.readouterr().out == "✓ two is more than one\n✓ a tensor will do\n"


def test_what_does_not_hold_raises_with_the_numbers(capsys):
    with pytest.raises(ClaimError, match=r"✗ not so here: sharing helps \(measured: single task = 0.9123, shared = 0.9\)"):
        claim("sharing helps", False, single_task=0.91234, shared=0.9)
    with pytest.raises(ClaimError, match=r"^✗ not so here: nothing$"):
        claim("nothing", 0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("mine", "reference"),
    [(1.0, 1), ([1, 2], torch.tensor([1.0, 2.0])), (torch.ones(2, requires_grad=True), [1, 1]), ([], []), (1e6, 1e6 + 1)],
)
def test_numbers_and_tensors_agree(mine, reference, capsys):
    agree("both are the same", mine, reference)
    assert capsys.readouterr().out == "✓ both are the same\n"


@pytest.mark.parametrize(
    ("mine", "reference", "message"),
    [
        (1.0, 1.001, "largest difference = 0.001"),
        ([1.0, 2.0], [1.0], r"shapes \(2,\) and \(1,\)"),
        (torch.ones(2, 1), torch.ones(2), r"shapes \(2, 1\) and \(2,\)"),
        (float("nan"), 1.0, "largest difference = nan"),
        (float("nan"), float("nan"), "largest difference = nan"),
    ],
)
def test_what_differs_raises(mine, reference, message):
    with pytest.raises(ClaimError, match=message):
        agree("both are the same", mine, reference)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(1e-9, 1e-2))
def test_the_tolerance_is_relative_to_the_reference_or_to_one(reference, difference, tolerance):
    allowed = tolerance * max(1.0, abs(reference))
    if difference < 0.99 * allowed - 1e-9:
        agree("", reference + difference, torch.tensor(reference, dtype=torch.float64), tolerance)
    elif difference > 1.01 * allowed + 1e-9:
        with pytest.raises(ClaimError):
            agree("", torch.tensor(reference + difference, dtype=torch.float64), reference, tolerance)
