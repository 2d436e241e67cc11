"""Losses, gradients, images and penalties that are not finite: named, and nothing is spoiled."""

import pytest
import torch
from short_runs import run, same, weights_of

from mtl_utils import models
from mtl_utils.penalties.l1_l2 import L2
from mtl_utils.training import NonFiniteLossError
from mtl_utils.training.history import History


class Spoiled(models.HardSharing):
    """Gives nonsense for `right` from some forward pass in training on."""

    passes = 0

    def decode(self, features):
        outputs = super().decode(features)
        self.passes += self.training
        if self.passes >= 4:
            outputs["right"] = outputs["right"] * self.nonsense
        return outputs


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf")])
@pytest.mark.parametrize("validated", [True, False])
def test_a_loss_that_is_not_finite_names_task_and_step_and_spoils_nothing(two_digits, shared, encoder, nonsense, validated):
    model = Spoiled(shared.encoder, shared.heads)
    model.nonsense, history = nonsense, History()
    source = two_digits if validated else two_digits.train
    with pytest.raises(NonFiniteLossError, match=r"the loss of task 'right' became (nan|inf) in step 4"):
        run(model, source, steps=10, validate_every=2, history=history)
    assert len(history.steps) == 3
    assert "failed in step 4" in history.stopped
    straight = models.hard_sharing(encoder, two_digits)
    run(straight, two_digits.train, steps=2 if validated else 3)
    assert same(weights_of(model), weights_of(straight))


def test_an_image_that_is_not_finite_spoils_no_running_mean(two_digits):
    model = models.hard_sharing(models.small_cnn, two_digits)
    batches = list(two_digits.train.batches(32))
    batches[2][0][5, 0, 3, 3] = float("nan")
    with pytest.raises(ValueError, match=r"a batch's images hold values that are not finite"):
        run(model, batches, steps=5, tasks=two_digits.tasks)
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


def test_gradients_that_are_not_finite_are_named_as_the_cause(two_digits, shared):
    class RootOfZero(models.HardSharing):
        def decode(self, features):
            outputs = super().decode(features)
            return {**outputs, "right": outputs["right"] + (outputs["right"] * 0).sqrt()}  # finite; its gradient is not

    with pytest.raises(NonFiniteLossError, match=r"nan in step 2, because the gradients in step 1 were not finite"):
        run(RootOfZero(shared.encoder, shared.heads), two_digits.train, steps=3)


def test_a_penalty_that_is_not_finite_spoils_nothing(two_digits, shared):
    before = weights_of(shared)
    with pytest.raises(NonFiniteLossError, match=r"the penalty became nan in step 1"):
        run(shared, two_digits.train, steps=3, penalty=lambda model: L2(1.0)(model) * float("nan"))
    assert same(weights_of(shared), before)
