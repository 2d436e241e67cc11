"""Gradients that a balancer or a penalty writes itself must train like those of an ordinary backward pass."""

import pytest
import torch

from mtl_utils import datasets, models, training
from mtl_utils.balancing import Aggregation, WeightedSum


@pytest.mark.parametrize("encoder", [models.lenet, models.small_cnn])
def test_aggregating_by_the_sum_trains_as_the_plain_sum_does(encoder):
    # The default optimizer is fused and weights are kept channels-last: a gradient in another layout would be read scrambled.
    from torchjd.aggregation import Sum

    images = datasets.multi_mnist(64, 8, 8)
    weights = []
    for balancer in (WeightedSum(), Aggregation(lambda count: Sum())):
        model = models.hard_sharing(encoder, images)
        training.fit(model, images, steps=2, batch_size=32, balancer=balancer, progress=False)
        weights.append([weight.detach().contiguous() for weight in model.parameters()])
    for plain, aggregated in zip(*weights, strict=True):
        torch.testing.assert_close(aggregated, plain, atol=2e-4, rtol=1e-3)


def test_a_penalty_may_write_gradients_in_any_layout():
    images = datasets.multi_mnist(64, 8, 8)

    def turn_round(model):
        for weight in model.parameters():
            weight.grad = weight.grad.contiguous().clone()
        return 0 * next(model.parameters()).sum()  # a penalty must depend on the model

    plain, turned = (models.hard_sharing(models.lenet, images) for _ in range(2))
    training.fit(plain, images, steps=3, batch_size=32, progress=False)
    training.fit(turned, images, steps=3, batch_size=32, penalty=turn_round, progress=False)
    for one, two in zip(plain.parameters(), turned.parameters(), strict=True):
        torch.testing.assert_close(one, two)
