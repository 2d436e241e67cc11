"""Whoever stops the training in the middle keeps the history so far and a usable model."""

from short_runs import run, same, weights_of

from mtl_utils import balancing, models
from mtl_utils.evaluation import evaluate
from mtl_utils.training import train
from mtl_utils.training.history import History


class InterruptIn(balancing.WeightedSum):
    def __init__(self, step):
        super().__init__()
        self.left = step

    def backward(self, losses, model):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return super().backward(losses, model)


def test_an_interruption_leaves_the_history_and_a_usable_model(two_digits, shared, encoder):
    history = run(shared, two_digits.train, steps=10, balancer=InterruptIn(4))
    assert len(history.steps) == 3
    assert history.stopped == "interrupted in step 4"
    straight = models.hard_sharing(encoder, two_digits)
    run(straight, two_digits.train, steps=3)
    assert same(weights_of(shared), weights_of(straight))
    assert evaluate(shared, two_digits.val) == evaluate(straight, two_digits.val)


def test_an_interruption_during_validation_leaves_the_best_weights(two_digits, shared):
    kept = []

    def choose(now, first, tasks):
        if kept:
            raise KeyboardInterrupt
        kept.append(weights_of(shared))
        return 0.0

    history = run(shared, two_digits, steps=10, validate_every=2, choose=choose)
    assert (len(history.steps), history.best_step) == (3, 2)
    assert same(weights_of(shared), kept[0])


def test_whoever_drives_the_loop_may_stop_and_close(two_digits, shared):
    history = History()
    steps = train(shared, two_digits, steps=10, batch_size=32, validate_every=2, history=history)
    for step in steps:
        if step.number == 2:
            best = weights_of(shared)
        if step.number == 3:
            steps.close()
    assert history.stopped == "stopped after step 3"
    assert len(history.steps) == 3
    assert same(weights_of(shared), best)
