"""Label noise and missing labels: exactly as many as asked for, and nothing else changed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtl_utils.datasets import MultiTaskDataset, with_few_labels, with_label_noise
from mtl_utils.tasks import MISSING_CLASS, classification, regression

CLASSES = 4


def split(labels, dtype=torch.int64):
    target = torch.tensor(labels, dtype=dtype)
    values = torch.arange(len(labels), dtype=torch.float32)[:, None]
    tasks = [classification("a", CLASSES), regression("b")]
    return MultiTaskDataset(torch.zeros(len(labels), 1, 1, 1, dtype=torch.uint8), {"a": target, "b": values}, tasks)


labels = st.lists(st.sampled_from([0, 1, 2, 3, MISSING_CLASS]), min_size=1, max_size=60).filter(lambda found: max(found) >= 0)


@given(labels, st.floats(0, 1), st.integers(0, 99), st.sampled_from([torch.int8, torch.int32, torch.int64]))
def test_noise_makes_exactly_the_share_wrong_and_leaves_the_rest(found, share, seed, dtype):
    before = split(found, dtype)
    after = with_label_noise(before, "a", share, seed=seed)
    old, new = before.targets["a"], after.targets["a"]
    labelled = old != MISSING_CLASS
    assert int((old != new).sum()) == round(share * int(labelled.sum()))
    assert torch.equal(new == MISSING_CLASS, ~labelled)
    assert bool(((new >= 0) & (new < CLASSES))[labelled].all())
    assert new.dtype == dtype
    assert old.tolist() == found
    assert torch.equal(after.targets["b"], before.targets["b"])
    assert torch.equal(new, with_label_noise(before, "a", share, seed=seed).targets["a"])


def test_every_wrong_class_is_about_as_frequent():
    after = with_label_noise(split([2] * 3000), "a", 1.0).targets["a"]
    counts = torch.bincount(after, minlength=4).tolist()
    assert counts[2] == 0
    assert all(900 < count < 1100 for number, count in enumerate(counts) if number != 2)


@given(labels, st.data())
def test_as_many_labels_stay_as_asked_for_and_balanced(found, generator):
    before = split(found)
    old = before.targets["a"]
    available = torch.bincount(old[old >= 0], minlength=CLASSES)
    keep = generator.draw(st.integers(1, int(available.sum())))
    new = with_few_labels(before, "a", keep, seed=generator.draw(st.integers(0, 99))).targets["a"]
    kept = new != MISSING_CLASS
    assert int(kept.sum()) == keep
    assert torch.equal(new[kept], old[kept])
    counts = torch.bincount(new[kept], minlength=CLASSES)
    short = counts < available  # classes that still had labels to give have, give or take one, as many as any other
    assert not short.any() or int(counts[short].min()) >= int(counts.max()) - 1


def test_few_real_values_are_kept_with_nan_for_the_others():
    before = split([0, 1, 2, 3, 0])
    after = with_few_labels(before, "b", 2)
    assert int((~torch.isnan(after.targets["b"])).sum()) == 2
    assert torch.equal(after.targets["a"], before.targets["a"])


def test_pixel_targets_are_kept_or_lost_as_a_whole(every_kind):
    after = with_few_labels(with_few_labels(every_kind, "parts", 5), "depth", 3)
    assert int((after.targets["parts"] != MISSING_CLASS).flatten(1).all(1).sum()) == 5
    assert int((after.targets["parts"] != MISSING_CLASS).flatten(1).any(1).sum()) == 5
    assert int((~torch.isnan(after.targets["depth"])).flatten(1).all(1).sum()) == 3


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_told(share):
    with pytest.raises(ValueError, match=r"task 'a': the share of wrong labels must be from 0 to 1"):
        with_label_noise(split([0, 1]), "a", share)


@pytest.mark.parametrize("keep", [0, -1, 3, 1.5, True])
def test_a_number_of_labels_that_is_not_there_is_told(keep):
    with pytest.raises(ValueError, match=rf"task 'a': cannot keep {keep} labels; it has 2"):
        with_few_labels(split([0, 1, MISSING_CLASS]), "a", keep)


def test_a_wrong_task_is_told():
    for change in (with_label_noise, with_few_labels):
        with pytest.raises(ValueError, match=r"this split has no task 'c'; its tasks are \['a', 'b'\]"):
            change(split([0, 1]), "c", 1)
    with pytest.raises(ValueError, match=r"task 'b' is a regression; label noise is defined for classification only"):
        with_label_noise(split([0, 1]), "b", 0.5)
