"""How exercises are judged: not attempted, right, wrong with the first hint that fits, and never an exception."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_utils.course.checks import call, close, is_number, judge

CONDITIONS = [
    (is_number, "a number is asked for"),
    (lambda a: a != 5, "that is half of it"),
    (lambda a: a == 10, "ten is asked for"),
]


@pytest.mark.parametrize(
    ("answer", "state", "line"),
    [
        (..., "not attempted", "… Exercise 00.1: not attempted yet"),
        (None, "not attempted", "… Exercise 00.1: not attempted yet"),
        (10, "right", "✓ Exercise 00.1: well done"),
        (torch.tensor(10), "right", "✓ Exercise 00.1: well done"),
        (5, "wrong", "✗ Exercise 00.1: that is half of it"),
        (7, "wrong", "✗ Exercise 00.1: ten is asked for"),
        ("10", "wrong", "✗ Exercise 00.1: a number is asked for"),
    ],
)
def test_the_first_condition_that_fails_decides_the_hint(answer, state, line, capsys):
    verdict = judge("00.1", answer, CONDITIONS, "well done")
    assert (verdict.state, repr(verdict)) == (state, line)
    assert capsys.readouterr().out == line + "\n"


def test_a_cell_that_ends_with_a_check_does_not_show_it_twice(capsys):
    from IPython.core.formatters import DisplayFormatter

    verdict = judge("00.1", 10, CONDITIONS)
    capsys.readouterr()
    assert DisplayFormatter().format(verdict) == ({}, {})
    assert capsys.readouterr().out == ""


def judged(function):
    return judge(
        "00.2", function, [(callable, "a function"), (lambda f: call(f, 2) != 3, "no"), (lambda f: call(f, 2) == 4, "square")]
    )


def unfinished(x):
    return ...


def broken(x):
    return x + undefined  # noqa: F821


def test_functions_are_called():
    assert judged(lambda x: x * x).state == "right"
    assert judged(lambda x: x + 1).message == "no"
    assert judged(unfinished).state == "not attempted"
    assert judged(lambda x: None).state == "not attempted"


def test_a_function_that_raises_is_told_so_without_a_hint_about_another_mistake():
    verdict = judged(broken)
    assert verdict.state == "wrong"
    assert verdict.message == "your function raised NameError: name 'undefined' is not defined"
    assert "takes 0 positional arguments" in judged(lambda: 4).message


def test_a_condition_that_cannot_be_tested_gives_its_hint_and_the_reason():
    verdict = judge("00.3", 3, [(lambda a: len(a) == 2, "two numbers are asked for")])
    assert verdict.message == "two numbers are asked for (your answer raised TypeError: object of type 'int' has no len())"


def test_closeness_is_of_shape_and_value():
    assert close(0.1 + 0.2, 0.3)
    assert close(torch.ones(3), [1, 1, 1])
    assert close(float("nan"), float("nan"))
    assert not close(1.0, 1.001)
    assert not close([1.0], 1.0)
    assert not close([1.0, 2.0], [1.0, 2.1])


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_number_is_close_to_itself(number):
    assert close(number, torch.tensor(number))


@pytest.mark.parametrize("answer", [1, 1.5, torch.tensor(1), torch.tensor([2.0])])
def test_numbers(answer):
    assert is_number(answer)


@pytest.mark.parametrize("answer", [True, "1", [1], torch.ones(2), None])
def test_what_is_no_number(answer):
    assert not is_number(answer)
