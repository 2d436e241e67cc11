"""What does not fit is told in words before the first update."""

import pytest
import torch
from short_runs import more_classes, run, same, sgd, three_channels, weights_of
from torch import nn

from mtl_utils import balancing, models
from mtl_utils.datasets import MultiTaskDataset, Normalization
from mtl_utils.evaluation import evaluate
from mtl_utils.tasks import classification, regression
from mtl_utils.training.history import History


def larger(split):
    return MultiTaskDataset(torch.zeros(len(split), 1, 32, 32, dtype=torch.uint8), split.targets, split.tasks)


WRONG = [
    (lambda d: {}, "say how long to train: either epochs=… or steps=…"),
    (lambda d: {"epochs": 1, "steps": 1}, "and only one of them"),
    (lambda d: {"epochs": 0}, "epochs must be a whole number above zero, not 0"),
    (lambda d: {"epochs": "3"}, "epochs must be a whole number above zero, not '3'"),
    (lambda d: {"steps": -1}, "steps must be a whole number above zero, not -1"),
    (lambda d: {"steps": 1.5}, "steps must be a whole number above zero, not 1.5"),
    (lambda d: {"epochs": 1, "batch_size": 0}, "batch size must be a whole number above zero, not 0"),
    (lambda d: {"steps": 1, "validate_every": 0}, "validate_every must be a whole number above zero"),
    (lambda d: {"steps": 1, "patience": -1}, "patience must be a whole number above zero"),
    (lambda d: {"steps": 1, "seed": 0.5}, "a seed must be a whole number, not 0.5"),
    (lambda d: {"steps": 1, "data": d.train, "patience": 2}, "early stopping .* needs a validation split"),
    (lambda d: {"steps": 1, "optimizer": sgd([torch.zeros(1)])}, "optimizer= takes a function that makes one, .* not a SGD"),
    (lambda d: {"steps": 1, "balancer": balancing.pcgrad}, r"balancer= takes a balancer, such as WeightedSum\(\)"),
    (lambda d: {"steps": 1, "val": d}, r"one split is needed, and 'MultiMNIST' has three: name its .val"),
    (lambda d: {"steps": 1, "val": d.val.for_tasks("left")}, "the validation split has no task 'right'"),
    (lambda d: {"steps": 1, "val": larger(d.val)}, r"validation images are \(1, 32, 32\), training images \(1, 28, 28\)"),
    (
        lambda d: {"steps": 1, "val": d.val.with_normalization(Normalization((0.5,), (0.5,)))},
        r"normalized by other numbers than the training split.*with_normalization\(training\.normalization\)",
    ),
    (lambda d: {"steps": 1, "data": d.for_tasks("left")}, "the model has a head for 'right', but the data have no such task"),
    (
        lambda d: {"steps": 1, "data": d.train.with_task(classification("sum", 20), d.train.targets["left"])},
        "no head for task 'sum'",
    ),
    (lambda d: {"steps": 1, "data": [1, 2]}, "list does not say which tasks it has; name them in `tasks=`"),
    (lambda d: {"steps": 1, "tasks": ["left", "right"]}, "expected tasks such as .* not 'left'"),
    (lambda d: {"steps": 1, "tasks": []}, "at least one task is needed"),
    (
        lambda d: {"steps": 1, "tasks": [classification("left", 5), classification("right", 5)]},
        r"task 'left' .* class label \d is out of range: expected 0 to 4",
    ),
    (lambda d: {"steps": 1, "tasks": [regression("left"), regression("right")]}, r"task 'left' .* must have shape \(320, 1\)"),
    (
        lambda d: {"steps": 1, "data": d.train.with_targets(right=d.train.targets["right"] % 5), "val": more_classes(d.val)},
        r"task 'right' .* class label \d\d is out of range: expected 0 to 9",
    ),
    (lambda d: {"steps": 1, "device": "gpu"}, r"device must be such as 'cuda', 'mps' or 'cpu', not 'gpu'"),
    (lambda d: {"steps": 1, "device": 3.5}, r"device must be such as 'cuda', 'mps' or 'cpu', not 3.5"),
    (lambda d: {"steps": 1, "device": "cuda:99"}, r"there is no device 'cuda:99' here; leave `device` out"),
    (lambda d: {"steps": 1, "penalty": 0.1}, r"penalty= takes a function of the model, such as L2\(0.0001\), not 0.1"),
    (lambda d: {"steps": 1, "penalty": lambda model: 0.0}, r"the penalty must return one number as a tensor .*, not 0.0"),
    (lambda d: {"steps": 1, "penalty": lambda model: torch.ones(2)}, r"the penalty must return one number as a tensor"),
    (lambda d: {"steps": 1, "penalty": lambda model: torch.ones(())}, r"the penalty does not depend on the model's parameters"),
    (lambda d: {"steps": 1, "choose": "left"}, r"choose= takes a function, such as .* metric_of\('left'\), not 'left'"),
    (lambda d: {"steps": 1, "history": []}, r"history= takes an empty record, History\(\), not \[\]"),
    (lambda d: {"steps": 1, "optimizer": lambda groups: None}, r"optimizer= must make a torch.optim.Optimizer, not None"),
    (
        lambda d: {"steps": 1, "data": three_channels(d.train)},
        r"cannot answer for images of shape \(32, 3, 28, 28\): .*channels",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_does_not_fit_is_told_before_the_first_update(arguments, message, two_digits, shared):
    before, history = weights_of(shared), History()
    with pytest.raises(ValueError, match=message):
        run(
            shared,
            **(
                {"source": two_digits, "history": history}
                | {"source" if k == "data" else k: v for k, v in arguments(two_digits).items()}
            ),
        )
    assert same(weights_of(shared), before)
    assert history.steps == []


def test_a_history_of_another_run_is_not_mixed_with_a_new_one(two_digits, shared):
    history = run(shared, two_digits, steps=2)
    with pytest.raises(ValueError, match=r"history= takes an empty record, this one has 2 steps already"):
        run(shared, two_digits, steps=2, history=history)
    assert len(history.steps) == 2


def test_models_that_give_something_else_are_told(two_digits):
    class Lame(nn.Module):
        def __init__(self, answer):
            super().__init__()
            self.answer, self.layer = answer, nn.Linear(784, 10)

        def forward(self, images):
            return self.answer(self.layer(images.flatten(1)))

    with pytest.raises(ValueError, match=r"must return a dictionary \{task: output\}, not Tensor"):
        run(Lame(lambda output: output), two_digits, steps=1)
    with pytest.raises(ValueError, match=r"the model gave no output for task 'right'; it gave outputs for \['left'\]"):
        run(Lame(lambda output: {"left": output}), two_digits, steps=1)
    with pytest.raises(ValueError, match=r"task 'left' .* the output must have shape \(32, 10\), not \(32, 9\)"):
        run(Lame(lambda output: {"left": output[:, :9], "right": output}), two_digits, steps=1)


@pytest.mark.parametrize("model", [None, lambda images: images])
def test_a_model_that_is_no_module_is_told(model, two_digits):
    with pytest.raises(ValueError, match=r"the model must be a torch.nn.Module, not "):
        run(model, two_digits, steps=1)


def test_a_models_own_errors_are_not_hidden(two_digits):
    class Own(models.HardSharing):
        def encode(self, images):
            raise self.error

    built = models.hard_sharing(models.lenet, two_digits)
    model = Own(built.encoder, built.heads)
    for model.error in (torch.OutOfMemoryError("no room"), NotImplementedError("later"), KeyError("mine")):
        for attempt in (lambda: run(model, two_digits, steps=1), lambda: evaluate(model, two_digits.val)):
            with pytest.raises(type(model.error)) as caught:
                attempt()
            assert caught.value is model.error
    model.error = RuntimeError("mine")
    with pytest.raises(ValueError, match=r"cannot answer for images of shape \(32, 1, 28, 28\): mine") as caught:
        run(model, two_digits, steps=1)
    assert caught.value.__cause__ is model.error


def test_a_frozen_model_is_told(two_digits, shared):
    with pytest.raises(ValueError, match=r"there is nothing to train: .* requires_grad=False"):
        run(shared.requires_grad_(False), two_digits, steps=1)


def test_batch_norm_with_one_image_is_told(two_digits):
    model = models.nddr(models.lenet, two_digits)
    with pytest.raises(ValueError, match=r"batch norm, which cannot learn from a batch of one image: .*drop_last=True"):
        run(model, two_digits, steps=1, batch_size=1)
