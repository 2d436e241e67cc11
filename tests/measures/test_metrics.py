"""Δm, intervals and gradient cosines: by hand, against a table, and by properties."""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from mtl_utils.analysis.gradient_cosine import gradient_cosine
from mtl_utils.measures.delta_m import delta_m
from mtl_utils.measures.intervals import Interval, mean_interval

numbers = st.floats(-1e3, 1e3)
positive = st.floats(0.01, 100)


def test_delta_m_by_hand():
    # An accuracy 10 % better, an error 20 % larger: (10 − 20) / 2.
    found = delta_m({"a": 0.55, "b": 3.0}, {"a": 0.5, "b": 2.5}, {"b": False})
    assert found == pytest.approx(-5)
    assert delta_m({"a": 0.55}, {"a": 0.5}) == pytest.approx(10)
    assert delta_m({"b": 3.0, "a": 0.55}, {"a": 0.5, "b": 2.5}, {"a": True, "b": False}) == pytest.approx(found)


@given(st.dictionaries(st.sampled_from("abcd"), st.tuples(positive, st.booleans()), min_size=1))
def test_delta_m_is_zero_for_the_baseline_and_indifferent_to_units(tasks):
    baseline = {name: value for name, (value, _) in tasks.items()}
    higher = {name: better for name, (_, better) in tasks.items()}
    assert delta_m(baseline, baseline, higher) == 0
    tenth_better = {name: value * (1.1 if higher[name] else 0.9) for name, value in baseline.items()}
    assert delta_m(tenth_better, baseline, higher) == pytest.approx(10)
    in_other_units = [{name: 1000 * value for name, value in each.items()} for each in (tenth_better, baseline)]
    assert delta_m(*in_other_units, higher) == pytest.approx(10)
    lower = {name: not better for name, better in higher.items()}
    assert delta_m(tenth_better, baseline, lower) == pytest.approx(-10)


def test_delta_m_of_what_cannot_be_compared_is_told():
    with pytest.raises(ValueError, match=r"metrics are for \['a'\], the baseline is for \['a', 'b'\]"):
        delta_m({"a": 1}, {"a": 1, "b": 1})
    with pytest.raises(ValueError, match=r"task 'a': the baseline is 0"):
        delta_m({"a": 1}, {"a": 0})
    with pytest.raises(ValueError, match=r"at least one task"):
        delta_m({}, {})
    with pytest.raises(ValueError, match=r"higher_is_better names \['deph'\], but the metrics are for \['a', 'depth'\]"):
        delta_m({"a": 0.5, "depth": 2.0}, {"a": 0.5, "depth": 1.0}, {"deph": False})


def test_a_negative_baseline_does_not_turn_better_into_worse():
    assert delta_m({"a": -1.0}, {"a": -2.0}) == pytest.approx(50)
    assert delta_m({"a": -3.0}, {"a": -2.0}, {"a": False}) == pytest.approx(50)


@pytest.mark.parametrize("count", [2, 3, 5, 10, 31, 32, 41, 61, 121, 1001])
def test_intervals_are_students(count):
    # From the table of Student's t, two-sided 95 %, for count − 1 degrees of freedom.
    table = {1: 12.706, 2: 4.303, 4: 2.776, 9: 2.262, 30: 2.042, 31: 2.040, 40: 2.021, 60: 2.000, 120: 1.980, 1000: 1.962}
    values = [0.0, 2.0] * (count // 2) + [1.0] * (count % 2)
    std = math.sqrt(2 * (count // 2) / (count - 1))
    interval = mean_interval(values)
    assert interval.mean == pytest.approx(1)
    assert interval.half_width == pytest.approx(table[count - 1] * std / math.sqrt(count), rel=2e-3)


@given(st.lists(numbers, min_size=2, max_size=40), numbers, st.floats(0.1, 10))
def test_intervals_move_and_stretch_with_the_values(values, shift, factor):
    one, other = mean_interval(values), mean_interval([shift + factor * value for value in values])
    assert other.mean == pytest.approx(shift + factor * one.mean, abs=1e-6)
    assert other.half_width == pytest.approx(factor * one.half_width, abs=1e-6)
    assert one.low <= one.mean <= one.high
    assert one.high - one.low == pytest.approx(2 * one.half_width, abs=1e-9)


def test_an_interval_covers_the_truth_95_times_in_100():
    generator = torch.Generator().manual_seed(0)
    intervals = [mean_interval(torch.randn(5, generator=generator).tolist()) for _ in range(2000)]
    assert 0.935 < sum(interval.low <= 0 <= interval.high for interval in intervals) / 2000 < 0.965


@pytest.mark.parametrize("values", [[], [1.0]])
def test_one_value_has_no_interval(values):
    with pytest.raises(ValueError, match=rf"at least two values, there are {len(values)}"):
        mean_interval(values)


def test_an_interval_has_two_ends():
    assert (Interval(3.0, 0.5).low, Interval(3.0, 0.5).high) == (2.5, 3.5)


def test_gradient_cosines_by_hand():
    found = gradient_cosine(torch.tensor([[1.0, 0.0], [3.0, 3.0], [-2.0, 0.0], [0.0, 0.0]]))
    root = math.sqrt(0.5)
    expected = [[1, root, -1, 0], [root, 1, -root, 0], [-1, -root, 1, 0], [0, 0, 0, 0]]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))


@given(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=5), st.floats(0.1, 10))
def test_cosines_are_symmetric_bounded_and_indifferent_to_length(rows, factor):
    jacobian = torch.tensor(rows)
    assume(bool((jacobian.norm(dim=1) > 1e-3).all()))
    found = gradient_cosine(jacobian)
    assert torch.equal(found, found.T)
    assert float(found.abs().max()) <= 1
    torch.testing.assert_close(found.diagonal(), torch.ones(len(rows)))
    torch.testing.assert_close(gradient_cosine(factor * jacobian), found, atol=1e-5, rtol=1e-4)


def test_gradients_that_are_no_matrix_are_told():
    with pytest.raises(ValueError, match=r"a matrix \[tasks, parameters\], not \(3,\)"):
        gradient_cosine(torch.zeros(3))
