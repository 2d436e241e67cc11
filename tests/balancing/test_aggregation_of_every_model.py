"""Gradient-level balancing of every way of sharing: the aggregate where tasks share, a task's own gradient elsewhere."""

import pytest
import torch
from every_way import WAYS_OF_SHARING
from torchjd import aggregation

from mtl_utils import balancing

# Twin columns share no parameter, so there is nothing to aggregate.
WAYS = {name: way for name, way in WAYS_OF_SHARING.items() if name != "twin columns"}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_shared_parameters_get_torchjds_aggregate_and_all_others_their_own_tasks_gradient(way, digits, encoder):
    some = digits.for_tasks("digit", "even", "loop")
    model = way(encoder, some)
    images, targets = some.train.batch(slice(0, 32))
    outputs = model(images)
    losses = {task.name: task.loss(outputs[task.name], targets[task.name]) for task in some.tasks}
    everything, shared = list(model.parameters()), model.shared_parameters()
    own = [parameter for parameter in everything if not any(parameter is each for each in shared)]

    def gradients(loss, parameters):
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]

    rows = torch.stack([torch.cat([g.flatten() for g in gradients(loss, shared)]) for loss in losses.values()])
    torch.manual_seed(3)
    expected = aggregation.PCGrad()(rows)
    of_own = gradients(sum(losses.values()), own)

    balancer = balancing.pcgrad()
    balancer.prepare(list(losses))
    balancer.attach(model)
    torch.manual_seed(3)
    balancer.backward(losses, model)
    assert shared and own
    torch.testing.assert_close(torch.cat([parameter.grad.flatten() for parameter in shared]), expected, rtol=1e-4, atol=1e-6)
    for parameter, gradient in zip(own, of_own, strict=True):
        torch.testing.assert_close(torch.zeros_like(gradient) if parameter.grad is None else parameter.grad, gradient)
