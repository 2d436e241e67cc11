"""Claims print what holds, and raise with the numbers what does not."""

import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from nbval.plugin import get_sanitize_patterns

from mtl_utils.course.claims import MEASURED, ClaimError, agree, claim
from mtl_utils.measures.intervals import mean_interval


def test_what_holds_is_printed(capsys):
    claim("two is more than one", True, two=2)
    claim("a tensor will do", torch.tensor(True))
    claim("NumPy's will do", np.float64(2) > 1)
    assert capsys.readouterr().out == ("✓ two is more than one\n    measured: two = 2\n✓ a tensor will do\n✓ NumPy's will do\n")


def test_what_was_measured_is_shown_with_its_interval(capsys):
    # By hand: mean 2, standard deviation 1, t = 4.303 with two degrees of freedom, 4.303/√3 = 2.484.
    claim("numbers", True, gain=[1.0, 2.0, 3.0], change=mean_interval([1.0, 2.0, 3.0]), left=0.123456)
    claim("others", True, both={"a": 1, "b": [1, 2, 3]}, tensor=torch.tensor([1.0, 2.0]), name="x", map=torch.ones(2, 2))
    assert capsys.readouterr().out == (
        "✓ numbers\n    measured: gain = 2 ± 2.484 (mean of 3, with its 95 % interval), change = 2 ± 2.484, left = 0.1235\n"
        "✓ others\n    measured: both = {a: 1, b: [1, 2, 3]}, tensor = [1, 2], name = x, map = (2, 2) from 1 to 1\n"
    )


def test_what_does_not_hold_raises_with_the_numbers(capsys):
    with pytest.raises(ClaimError, match=r"✗ not so here: sharing helps \(measured: single task = 0.9123, shared = 0.9\)"):
        claim("sharing helps", False, single_task=0.91234, shared=0.9)
    with pytest.raises(ClaimError, match=r"^✗ not so here: nothing$"):
        claim("nothing", False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("holds", "message"),
    [
        (lambda: False, "not a function; call it"),
        ((False,), "not a tuple"),
        ([], "not a list"),
        (0, "not a int"),
        ("no", "not a str"),
        (None, "not a NoneType"),
        (float("nan"), "not a float"),
        (torch.tensor([True, False]), "not a tensor of torch.bool with 2 elements"),
        (torch.tensor(1.0), "not a tensor of torch.float32 with 1 elements"),
        (np.array([True]), "not a ndarray"),
    ],
)
def test_a_claim_takes_a_truth_value(holds, message, capsys):
    with pytest.raises(TypeError, match=rf"claim\('it holds', …\) takes a truth value, .*{message}"):
        claim("it holds", holds)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_a_terminal_without_the_signs_gets_words(encoding, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding=encoding))
    claim("Δm is 中 better", True, gain=[1.0, 2.0, 3.0])
    sys.stdout.flush()
    line, below = written.getvalue().decode(encoding).splitlines()
    assert line == "ok: Delta m is ? better"
    assert below.startswith("    measured: gain = 2 ")


def test_the_numbers_below_are_not_compared_in_notebooks():
    settings = (Path(__file__).parents[1] / "measured.cfg").read_text(encoding="utf-8")
    ((pattern, replacement),) = get_sanitize_patterns(settings)
    out = "✓ one\n    measured: a = 1, b = 2\n✓ two\n✓ three\n    measured: c = 3\n"
    assert re.sub(pattern, replacement, out) == "✓ one\n✓ two\n✓ three\n"
    assert "\n" + MEASURED in out
    root = Path(__file__).parents[2]
    assert "--nbval-sanitize-with=tests/measured.cfg" in (root / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("mine", "reference"),
    [
        (1.0, 1),
        ([1, 2], torch.tensor([1.0, 2.0])),
        (torch.ones(2, requires_grad=True), [1, 1]),
        (1 + 2j, [1 + 2j][0]),
        (1e6, 1e6 + 1),
    ],
)
def test_numbers_and_tensors_agree(mine, reference, capsys):
    agree("both are the same", mine, reference)
    assert re.fullmatch(r"✓ both are the same\n    measured: largest difference = [01]\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("mine", "reference", "message"),
    [
        (1.0, 1.001, "largest difference = 0.001"),
        ([1.0, 2.0], [1.0], r"shapes \(2,\) and \(1,\)"),
        (torch.ones(2, 1), torch.ones(2), r"shapes \(2, 1\) and \(2,\)"),
        (float("nan"), 1.0, "1 of 1 values of mine are not finite"),
        (float("nan"), float("nan"), "1 of 1 values of mine are not finite"),
        ([1.0, float("inf")], [1.0, float("inf")], "1 of 2 values of mine are not finite"),
        ([1.0, 2.0], [1.0, float("inf")], "1 of 2 values of the reference are not finite"),
        ([], [], "both are empty"),
        (torch.zeros(3, 0), torch.zeros(3, 0), "both are empty"),
        (1 + 2j, 1 + 3j, "largest difference = 1"),
        (torch.tensor([1 + 2j]), torch.tensor([1.0]), "largest difference = 2"),
    ],
)
def test_what_differs_raises(mine, reference, message):
    with pytest.raises(ClaimError, match=message):
        agree("both are the same", mine, reference)


@pytest.mark.parametrize("tolerance", [-1.0, float("inf"), float("nan")])
def test_a_tolerance_that_tests_nothing_is_refused(tolerance):
    with pytest.raises(ValueError, match="a tolerance must be zero or more and finite"):
        agree("all is one", 1.0, 2.0, tolerance)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(1e-9, 1e-2))
def test_the_tolerance_is_relative_to_the_reference_or_to_one(reference, difference, tolerance):
    allowed = tolerance * max(1.0, abs(reference))
    if difference < 0.99 * allowed - 1e-9:
        agree("", reference + difference, torch.tensor(reference, dtype=torch.float64), tolerance)
    elif difference > 1.01 * allowed + 1e-9:
        with pytest.raises(ClaimError):
            agree("", torch.tensor(reference + difference, dtype=torch.float64), reference, tolerance)
