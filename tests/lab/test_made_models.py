"""Labs and sweeps want a function that makes models; one that is built already is told in words, before anything is shown."""

from __future__ import annotations

import pytest

from mtl_utils import datasets, experiments, lab, models, penalties


@pytest.fixture(scope="module")
def pairs():
    return datasets.multi_mnist(256, 16, 16)


def test_a_built_model_is_no_function_that_makes_one(pairs):
    built = models.hard_sharing(models.lenet, pairs)
    columns = models.twin_columns(models.lenet, pairs)
    for make in (
        lambda: lab.LossWeightLab(built, pairs, steps=2),
        lambda: lab.ConflictLab(built, pairs.train, steps=2),
        lambda: experiments.sweep_weights(built, pairs, [{"left": 1.0, "right": 1.0}], steps=1),
    ):
        with pytest.raises(ValueError, match=r"make_model= takes a function .* not a HardSharing that is built already"):
            make()
    with pytest.raises(ValueError, match=r"not a TwinColumns that is built already"):
        lab.PenaltyLab(columns, pairs, penalty=penalties.DistancePenalty(0.0), strengths=[0.0, 1.0], steps=2)
    with pytest.raises(ValueError, match=r"make_model= takes a function .* not 'lenet'"):
        experiments.sweep_weights("lenet", pairs, [{"left": 1.0, "right": 1.0}], steps=1)
