"""Evaluation and prediction: in batches as at once, the model stays as it was, errors in words."""

import pytest
import torch
from torch import nn
from training.short_runs import more_classes, same, three_channels, weights_of

from mtl_utils import models
from mtl_utils.evaluation import evaluate, predict
from mtl_utils.tasks import MISSING_CLASS


def test_what_evaluation_cannot_use_is_told(two_digits, shared):
    with pytest.raises(ValueError, match=r"task 'right' .* class label \d\d is out of range: expected 0 to 9"):
        evaluate(shared, more_classes(two_digits.val), tasks=two_digits.tasks)
    for function in (evaluate, predict):
        with pytest.raises(ValueError, match=r"cannot answer for images of shape \(80, 3, 28, 28\): .*channels"):
            function(shared, three_channels(two_digits.val))
        for nothing in (None, lambda images: images):
            with pytest.raises(ValueError, match=r"the model must be a torch.nn.Module, not "):
                function(nothing, two_digits.val)
    with pytest.raises(ValueError, match=r"list does not say which tasks it has"):
        predict(shared, list(two_digits.val.batches(40)))
    with pytest.raises(ValueError, match=r"must return a dictionary \{task: output\}, not Tensor"):
        predict(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), two_digits.val)
    with pytest.raises(ValueError, match=r"device must be such as"):
        evaluate(shared, two_digits.val, device="gpu")


def test_evaluating_in_batches_is_evaluating_at_once(every_kind, encoder):
    tasks = every_kind.tasks[:2]
    split = every_kind.for_tasks("kind", "place").with_targets(
        kind=torch.where(torch.arange(24) % 3 == 0, MISSING_CLASS, every_kind.targets["kind"])
    )
    model = models.hard_sharing(encoder, split)
    outputs = predict(model, split, batch_size=7)
    for size in (5, 24):
        found = evaluate(model, split, batch_size=size)
        for task in tasks:
            assert found.losses[task.name] == pytest.approx(
                task.loss(outputs[task.name], split.targets[task.name]).item(), rel=1e-5
            )
    labelled = split.targets["kind"] != MISSING_CLASS
    right = (outputs["kind"].argmax(1) == split.targets["kind"])[labelled].double().mean().item()
    assert found.metrics["kind"] == pytest.approx(right)
    assert found.metrics["place"] == pytest.approx((outputs["place"] - split.targets["place"]).abs().mean().item(), rel=1e-5)


@pytest.mark.parametrize(("mode", "encoder_mode"), [(True, True), (False, False), (True, False), (False, True)])
def test_evaluating_leaves_the_model_as_it_was(two_digits, mode, encoder_mode):
    model = models.hard_sharing(models.small_cnn, two_digits).train(mode)
    model.encoder.train(encoder_mode)
    before, modes = weights_of(model), [module.training for module in model.modules()]
    evaluate(model, two_digits.val)
    predict(model, two_digits.val)
    hook = model.heads["right"].register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate(model, two_digits.val)
    hook.remove()
    assert [module.training for module in model.modules()] == modes
    assert same(weights_of(model), before)
    for function in (evaluate, predict):
        with pytest.raises(ValueError, match=r"one split is needed, and 'MultiMNIST' has three"):
            function(model, two_digits)
