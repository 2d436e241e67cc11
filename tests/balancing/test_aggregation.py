"""Gradient-level balancers: by hand for two tasks, by property, against TorchJD called directly, and with bad input."""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torchjd import aggregation

from mtl_utils import balancing, models, training
from mtl_utils.balancing import two_tasks
from mtl_utils.balancing.nash import NashBargaining, nash_weights
from mtl_utils.datasets.labels import with_few_labels
from mtl_utils.models import MultiTaskModel, Part


class Linear(MultiTaskModel):
    """Losses g_i·θ + θ_i: the gradients on the shared θ are the rows of the matrix that it is made of, those of heads are 1."""

    def __init__(self, rows):
        super().__init__(tuple("abcdefgh"[: len(rows)]))
        self.rows = torch.as_tensor(rows, dtype=torch.float32)
        self.shared = nn.ParameterList([torch.zeros(self.rows.shape[1])])
        self.heads = nn.ModuleDict({name: nn.ParameterList([torch.zeros(1)]) for name in self.task_names})

    def forward(self, images):
        rows = zip(self.task_names, self.rows, strict=True)
        return {name: row @ self.shared[0] + self.heads[name][0].sum() for name, row in rows}

    def parts(self):
        heads = [Part(f"head of {name}", (name,), self.heads[name], 1) for name in self.task_names]
        return [Part("shared", self.task_names, self.shared, 0), *heads]


def update_of(balancer, rows, seed=0):
    """The update that a balancer makes of gradients, and the weights that it tells."""
    model = Linear(rows)
    balancer.prepare(model.task_names)
    torch.manual_seed(seed)
    weights = balancer.backward(model(None), model)
    assert all(head[0].grad.tolist() == [1.0] for head in model.heads.values())  # heads get their own plain gradient
    return model.shared[0].grad, weights


# For each aggregator of TorchJD, how it is made for a number of tasks.
TORCHJD = {
    "AlignedMTL": lambda n: aggregation.AlignedMTL(),
    "CAGrad": lambda n: aggregation.CAGrad(0.5),
    "ConFIG": lambda n: aggregation.ConFIG(),
    "Constant": lambda n: aggregation.Constant(torch.arange(1.0, n + 1)),
    "DualProj": lambda n: aggregation.DualProj(),
    "ExcessMTL": lambda n: aggregation.ExcessMTL(),
    "FairGrad": lambda n: aggregation.FairGrad(1.0),
    "GradDrop": lambda n: aggregation.GradDrop(),
    "GradVac": lambda n: aggregation.GradVac(),
    "IMTLG": lambda n: aggregation.IMTLG(),
    "Krum": lambda n: aggregation.Krum(1),
    "Mean": lambda n: aggregation.Mean(),
    "MGDA": lambda n: aggregation.MGDA(),
    "PCD": lambda n: aggregation.PCD(),
    "PCGrad": lambda n: aggregation.PCGrad(),
    "Random": lambda n: aggregation.Random(),
    "Sum": lambda n: aggregation.Sum(),
    "TrimmedMean": lambda n: aggregation.TrimmedMean(1),
    "UPGrad": lambda n: aggregation.UPGrad(),
}
# The ready-made ones, with what TorchJD's own gives.
READY = {
    "PCGrad": (balancing.pcgrad, "PCGrad"),
    "MGDA": (balancing.mgda, "MGDA"),
    "CAGrad": (balancing.cagrad, "CAGrad"),
    "UPGrad": (balancing.upgrad, "UPGrad"),
    "IMTL-G": (balancing.imtl_g, "IMTLG"),
    "Aligned-MTL": (balancing.aligned_mtl, "AlignedMTL"),
    "ConFIG": (balancing.conflict_free, "ConFIG"),
    "FairGrad": (balancing.fairgrad, "FairGrad"),
    "GradVac": (balancing.gradvac, "GradVac"),
    "GradDrop": (balancing.graddrop, "GradDrop"),
}
ALL = {name: make for name, (make, _) in READY.items()} | {"Nash-MTL": balancing.nash_mtl}
every_method = pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())
FOUR = torch.randn(4, 9, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", TORCHJD)
def test_any_aggregator_of_torchjd_gives_what_it_gives_when_called_directly(name):
    update, _ = update_of(balancing.Aggregation(TORCHJD[name]), FOUR, seed=3)
    torch.manual_seed(3)
    torch.testing.assert_close(update, TORCHJD[name](4)(FOUR))


def test_these_are_all_of_torchjds_aggregators():
    found = {
        name for name in aggregation.__all__
        if isinstance(each := getattr(aggregation, name), type) and issubclass(each, aggregation.Aggregator)
    }  # fmt: skip
    abstract = {"Aggregator", "WeightedAggregator", "GramianWeightedAggregator"}
    assert found - abstract - {"NashMTL"} == set(TORCHJD)  # for Nash-MTL see below: ours, without the solver ECOS


@pytest.mark.parametrize("name", READY)
@pytest.mark.parametrize("size", [1.0, 1e-4], ids=["long", "short"])
def test_the_ready_made_are_torchjds(name, size):
    make, original = READY[name]
    update, _ = update_of(make(), size * FOUR, seed=3)
    torch.manual_seed(3)
    # TorchJD's CAGrad and UPGrad take short gradients for zero, ours do not. FairGrad's update is no multiple of its gradients.
    expected = TORCHJD[original](4)(size * FOUR) if name == "FairGrad" else TORCHJD[original](4)(FOUR) * size
    torch.testing.assert_close(update, expected, rtol=1e-3, atol=1e-3 * size)


# g_a = (1, 0), g_b = (-1, 1): lengths 1 and √2, dot product -1, an angle of 135°.
BY_HAND = {
    # (1, 0) + (-1, 1)/2, and (-1, 1) + (1, 0).
    "PCGrad": (balancing.pcgrad, [0.5, 1.5]),
    "UPGrad": (balancing.upgrad, [0.25, 0.75]),
    # α_a = (g_b - g_a)·g_b / ‖g_a - g_b‖² = (2 + 1)/(1 + 2 + 2) = 3/5.
    "MGDA": (balancing.mgda, [0.6 - 0.4, 0.4]),
    # α_a = √2/(1 + √2).
    "IMTL-G": (balancing.imtl_g, [(math.sqrt(2) - 1) / (1 + math.sqrt(2)), 1 / (1 + math.sqrt(2))]),
    # Half the angle away from both, one long: the bisector of 0° and 135° stands at 67.5°.
    "Nash-MTL": (balancing.nash_mtl, [math.cos(math.radians(67.5)), math.sin(math.radians(67.5))]),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_two_tasks_by_hand(name):
    make, expected = BY_HAND[name]
    update, weights = update_of(make(), [[1.0, 0.0], [-1.0, 1.0]])
    torch.testing.assert_close(update, torch.tensor(expected), rtol=1e-3, atol=1e-3)
    told = torch.tensor([weights["a"], weights["b"]]) @ torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
    torch.testing.assert_close(told, update)


@every_method
def test_gradients_alone_give_the_same_as_with_a_model(make):
    update, told = update_of(make(), FOUR)
    torch.manual_seed(0)
    balancer = make()
    alone, weights = balancer.aggregate(FOUR)
    torch.testing.assert_close(alone, update)
    torch.testing.assert_close(weights, torch.tensor(list(told.values())), equal_nan=True)
    assert balancer.aggregate(FOUR[:3])[1].shape == (3,)
    with pytest.raises(ValueError, match=r"a matrix \[tasks, parameters\], not \(9,\)"):
        balancer.aggregate(FOUR[0])


def test_cagrad_with_c_of_zero_is_the_mean_and_with_more_stays_within_its_ball():
    rows = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
    mean = rows.mean(0)
    torch.testing.assert_close(update_of(balancing.cagrad(0.0), rows)[0], mean)
    for c in (0.3, 0.9):
        update, _ = update_of(balancing.cagrad(c), rows)
        assert (update - mean).norm().item() == pytest.approx(c * mean.norm().item(), rel=1e-3)
        # No other point of the ball serves the worst task better.
        angle = torch.linspace(0, 2 * math.pi, 1000)
        others = mean + c * mean.norm() * torch.stack([angle.cos(), angle.sin()], 1)
        assert (rows @ update).min() >= (others @ rows.T).min(1).values.max() - 1e-3


numbers = st.floats(-3, 3, width=32)
pairs = st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=2, max_size=2)


@given(pairs)
@settings(max_examples=60, deadline=None)
def test_without_conflict_pcgrad_is_the_sum(rows):
    first, second = torch.tensor(rows)
    assume(first @ second > 1e-3)
    torch.testing.assert_close(update_of(balancing.pcgrad(), rows)[0], first + second)


CLOSED = {
    "PCGrad": (two_tasks.two_task_pcgrad, balancing.pcgrad),
    "UPGrad": (two_tasks.two_task_upgrad, balancing.upgrad),
    "MGDA": (two_tasks.two_task_mgda, balancing.mgda),
    "CAGrad": (two_tasks.two_task_cagrad(0.5), balancing.cagrad),
    "CAGrad, c = 0": (two_tasks.two_task_cagrad(0.0), lambda: balancing.cagrad(0.0)),
    "CAGrad, c = 2": (two_tasks.two_task_cagrad(2.0), lambda: balancing.cagrad(2.0)),
    "Nash-MTL": (two_tasks.two_task_nash(), balancing.nash_mtl),
    "Nash-MTL, not shortened": (two_tasks.two_task_nash(0), lambda: balancing.nash_mtl(max_norm=0)),
    "IMTL-G": (two_tasks.two_task_imtl_g, balancing.imtl_g),
    "Aligned-MTL": (two_tasks.two_task_aligned, balancing.aligned_mtl),
}


@pytest.mark.parametrize("name", CLOSED)
@given(pairs)
@settings(max_examples=40, deadline=None)
def test_closed_forms_of_two_tasks_are_what_the_balancers_give(name, rows):
    first, second = torch.tensor(rows, dtype=torch.float64)
    assume(min(first.norm(), second.norm()) > 0.1)
    assume(abs(torch.cosine_similarity(first, second, 0)) < 0.99)
    closed, make = CLOSED[name]
    weights = closed(two_tasks.gramian(first, second))
    update, _ = update_of(make(), rows)
    expected = weights @ torch.stack([first, second])
    scale = float(first.norm() + second.norm())
    torch.testing.assert_close(update.double(), expected, rtol=0.01, atol=0.01 * scale)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_take_many_pairs_at_once_and_zero_gradients(name):
    closed, _ = CLOSED[name]
    some = torch.randn(2, 5, 7, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    some[0, 0], some[1, 1], some[:, 2], some[1, 3] = 0, 0, 0, some[0, 3]  # zero gradients, and equal ones
    together = closed(two_tasks.gramian(*some))
    assert together.shape == (5, 7, 2)
    assert torch.isfinite(together).all()
    torch.testing.assert_close(closed(two_tasks.gramian(some[0, 3, 2], some[1, 3, 2])), together[3, 2])


@every_method
def test_equal_gradients_leave_their_direction(make):
    row = [3.0, -4.0]
    update, _ = update_of(make(), [row, row, row])
    assert torch.cosine_similarity(update, torch.tensor(row), 0) == pytest.approx(1, abs=1e-4)


@every_method
def test_a_zero_gradient_does_no_harm(make):
    update, _ = update_of(make(), [[1.0, 2.0], [0.0, 0.0], [2.0, 1.0]])
    assert torch.isfinite(update).all()


@every_method
def test_three_tasks_on_one_line(make):
    update, _ = update_of(make(), [[1.0, 2.0], [-2.0, -4.0], [3.0, 6.0]])
    assert torch.isfinite(update).all()
    if make is not balancing.graddrop:  # which decides in each coordinate by itself
        assert abs(2 * update[0] - update[1]) < 1e-3  # the update stays on the line


def test_pcgrad_of_three_tasks_on_one_line_by_hand():
    # Projected against an opposite gradient, or one that was itself against it, nothing is left of any.
    update, _ = update_of(balancing.pcgrad(), [[1.0, 2.0], [-2.0, -4.0], [3.0, 6.0]])
    torch.testing.assert_close(update, torch.zeros(2), atol=1e-6, rtol=0)


ORDERLY = [name for name in ALL if name not in ("PCGrad", "GradVac", "GradDrop")]  # these look at the tasks in random order


@pytest.mark.parametrize("name", ORDERLY)
def test_the_order_of_the_tasks_does_not_matter(name):
    order = [2, 0, 3, 1]
    update, weights = update_of(ALL[name](), FOUR)
    permuted, permuted_weights = update_of(ALL[name](), FOUR[order])
    torch.testing.assert_close(update, permuted, atol=2e-3, rtol=2e-3)
    if not math.isnan(weights["a"]):
        assert permuted_weights["b"] == pytest.approx(weights["a"], abs=5e-3)


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("Nash-MTL", "FairGrad")])
def test_a_common_factor_scales_the_update(name):
    update, _ = update_of(ALL[name](), FOUR)
    longer, _ = update_of(ALL[name](), 100 * FOUR)
    torch.testing.assert_close(longer, 100 * update, atol=0.2, rtol=1e-2)


@pytest.mark.parametrize("name", ["Nash-MTL", "FairGrad", "IMTL-G"])
def test_the_direction_of_impartial_methods_does_not_depend_on_one_tasks_length(name):
    one, _ = update_of(ALL[name](), FOUR)
    other, _ = update_of(ALL[name](), FOUR * torch.tensor([[10.0], [1.0], [1.0], [1.0]]))
    assert torch.cosine_similarity(one, other, 0) == pytest.approx(1, abs=1e-2)


@given(st.integers(2, 8), st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_upgrad_conflicts_with_no_task_and_mgda_neither(count, seed):
    rows = torch.randn(count, 12, generator=torch.Generator().manual_seed(seed))
    for make in (balancing.upgrad, lambda: balancing.mgda(max_iters=1000, epsilon=1e-6)):
        update, _ = update_of(make(), rows)
        assert (rows @ update).min() > -0.05 * update.norm() * rows.norm(dim=1).max()


@pytest.mark.parametrize("factor", [1.0, 100.0, 1e4])
def test_upgrad_of_two_tasks_is_half_of_pcgrad_however_much_longer_one_gradient_is(factor):
    # g_a = (1, 0), g_b = factor·(-1, 1): a projected is (½, ½), b projected is (0, factor).
    update, _ = update_of(balancing.upgrad(), [[1.0, 0.0], [-factor, factor]])
    precision = 1e-3 + 2e-6 * factor  # the solver is as precise as single precision is for the longest gradient
    torch.testing.assert_close(update, torch.tensor([0.25, 0.25 + factor / 2]), rtol=1e-4, atol=precision)


@given(st.integers(1, 9), st.integers(0, 10_000), st.floats(-4, 4))
@settings(max_examples=60, deadline=None)
def test_nash_weights_solve_their_equations(count, seed, exponent):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, 30, generator=generator, dtype=torch.float64)
    rows *= 10 ** (exponent * torch.rand(count, 1, generator=generator, dtype=torch.float64))
    gramian = rows @ rows.T
    alpha = nash_weights(gramian)
    torch.testing.assert_close(alpha * (gramian @ alpha), torch.ones(count, dtype=torch.float64), rtol=1e-5, atol=1e-5)
    assert (alpha @ rows).norm().item() == pytest.approx(math.sqrt(count), rel=1e-5)


def test_nash_leaves_out_a_task_without_gradient_and_keeps_to_its_longest_step():
    rows = torch.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 5.0]])
    torch.testing.assert_close(nash_weights(rows @ rows.T), torch.tensor([0.5, 0.0, 0.2]))
    assert NashBargaining(0.3)(rows).norm().item() == pytest.approx(0.3)
    assert NashBargaining(0)(rows).norm().item() == pytest.approx(math.sqrt(2))
    assert nash_weights(torch.zeros(2, 2)).tolist() == [0.0, 0.0]


# The training loop, partly labelled batches, features.


@every_method
@pytest.mark.parametrize("level", ["parameters", "features"])
def test_partly_labelled_data_train_every_part(make, level, digits, encoder):
    tasks = digits.for_tasks("digit", "even", "loop")
    split = with_few_labels(with_few_labels(tasks.train, "even", 20), "loop", 20, seed=1)
    model = models.hard_sharing(encoder, split)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    history = training.fit(model, split, epochs=1, batch_size=8, balancer=make(level=level), progress=False)
    together = [sum(not math.isnan(weight) for weight in step.losses.values()) for step in history.steps]
    assert {1, 2} <= set(together)  # some batches had labels for one task only, some for two
    for name, tensor in model.state_dict().items():
        assert torch.isfinite(tensor).all()
        assert not torch.equal(tensor, before[name]), name


def test_a_missing_task_contributes_no_row():
    model, balancer = Linear([[1.0, 0.0], [-1.0, 1.0], [-5.0, 0.0]]), balancing.pcgrad()
    balancer.prepare("abc")
    losses = model(None)
    weights = balancer.backward({"a": losses["a"], "b": losses["b"]}, model)
    torch.testing.assert_close(model.shared[0].grad, torch.tensor([0.5, 1.5]))
    assert list(weights) == ["a", "b"]
    assert model.heads["c"][0].grad is None


def test_one_labelled_task_in_a_batch_gives_its_plain_gradient():
    for make in ALL.values():
        model, balancer = Linear([[3.0, 0.0], [-1.0, 1.0]]), make()
        balancer.prepare("ab")
        assert balancer.backward({"a": model(None)["a"]}, model) == {"a": 1.0}
        assert model.shared[0].grad.tolist() == [3.0, 0.0]


def feature_update(model, batch, tasks, make):
    images, targets = batch
    balancer = balancing.Aggregation(lambda count: make(), level="features")
    balancer.prepare([task.name for task in tasks])
    balancer.attach(model)
    model.zero_grad()
    outputs = model(images)
    balancer.backward({task.name: task.loss(outputs[task.name], targets[task.name]) for task in tasks}, model)
    balancer.detach()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def test_the_sum_of_features_gradients_is_the_plain_sum_and_heads_get_their_own(two_digits, shared):
    batch = two_digits.train.batch(slice(0, 32))
    ours = feature_update(shared, batch, two_digits.tasks, aggregation.Sum)
    shared.zero_grad()
    outputs = shared(batch[0])
    sum(task.loss(outputs[task.name], batch[1][task.name]) for task in two_digits.tasks).backward()
    for name, parameter in shared.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad)


def test_features_gradients_are_those_of_torchjd(two_digits, shared):
    """Against TorchJD's engine, asked for the Jacobian with respect to the features."""
    images, targets = two_digits.train.batch(slice(0, 32))
    ours = feature_update(shared, (images, targets), two_digits.tasks, aggregation.PCGrad)
    shared.zero_grad()
    features = shared.encode(images)
    outputs = shared.decode(features)
    losses = [task.loss(outputs[task.name], targets[task.name]) for task in two_digits.tasks]
    rows = torch.stack([torch.autograd.grad(loss, features, retain_graph=True)[0].flatten() for loss in losses])
    features.backward(aggregation.PCGrad()(rows).view_as(features))
    for name, parameter in shared.encoder.named_parameters():
        torch.testing.assert_close(ours[f"encoder.{name}"], parameter.grad, atol=1e-6, rtol=1e-4)


def test_features_and_parameters_are_different_methods(two_digits, shared):
    batch = two_digits.train.batch(slice(0, 64))
    on_features = feature_update(shared, batch, two_digits.tasks, aggregation.MGDA)
    balancer = balancing.mgda()
    balancer.prepare(["left", "right"])
    shared.zero_grad()
    outputs = shared(batch[0])
    balancer.backward({task.name: task.loss(outputs[task.name], batch[1][task.name]) for task in two_digits.tasks}, shared)
    assert not torch.allclose(on_features["encoder.conv.0.weight"], shared.encoder.conv[0].weight.grad, rtol=1e-2)


@pytest.mark.parametrize("level", ["parameters", "features"])
def test_batch_norm_and_dropout_see_a_batch_once(level, two_digits):
    def normalized(image_shape):
        return nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5)))

    model = models.hard_sharing(normalized, two_digits)
    masks = []
    model.encoder[0][-1].register_forward_hook(lambda module, inputs, output: masks.append(output))
    training.fit(model, two_digits.train, steps=3, batch_size=32, balancer=balancing.pcgrad(level=level), progress=False)
    assert int(model.encoder[0][2].num_batches_tracked) == 3
    assert len(masks) == 3


def test_nothing_of_a_balancer_stays_on_the_model(two_digits, shared):
    training.fit(shared, two_digits, steps=2, balancer=balancing.mgda(level="features"), progress=False)
    assert not shared.encoder._forward_hooks


def test_a_level_of_features_is_the_same_with_the_same_seed(two_digits, encoder):
    def trained():
        model = models.hard_sharing(encoder, two_digits)
        training.fit(model, two_digits, steps=3, balancer=balancing.pcgrad(level="features"), progress=False)
        return model.state_dict()

    one, two = trained(), trained()
    assert all(torch.equal(one[name], two[name]) for name in one)


# Bad input.


def test_one_task_is_told(two_digits, encoder):
    model = models.single_task(encoder, two_digits, "left")
    with pytest.raises(
        ValueError, match=r"PCGrad combines the gradients of two tasks or more, .* only 'left': use WeightedSum"
    ):
        training.fit(model, two_digits.for_tasks("left"), steps=1, balancer=balancing.pcgrad(), progress=False)


def test_a_model_that_shares_nothing_is_told(two_digits, encoder):
    model = models.separate_networks(encoder, two_digits)
    with pytest.raises(ValueError, match=r"MGDA .* this SeparateNetworks has none that learn: its tasks cannot conflict"):
        training.fit(model, two_digits, steps=1, balancer=balancing.mgda(), progress=False)


def test_a_frozen_encoder_is_told(two_digits, shared):
    shared.encoder.requires_grad_(False)
    for level in ("parameters", "features"):
        with pytest.raises(ValueError, match=r"this HardSharing has none that learn"):
            training.fit(shared, two_digits, steps=1, balancer=balancing.pcgrad(level=level), progress=False)


def test_a_model_without_one_encoder_is_told_at_the_level_of_features(two_digits, encoder):
    model = models.cross_stitch(encoder, two_digits)
    with pytest.raises(ValueError, match=r"level='features' .* CrossStitch.* is not one of them: use level='parameters'"):
        training.fit(model, two_digits, steps=1, balancer=balancing.pcgrad(level="features"), progress=False)


def test_features_that_nobody_saw_are_told(two_digits, shared):
    balancer = balancing.pcgrad(level="features")
    balancer.prepare(["left", "right"])
    losses = {name: output.square().mean() for name, output in shared(two_digits.train.batch(slice(0, 4))[0]).items()}
    with pytest.raises(ValueError, match=r"call balancer.attach\(model\) before the first one"):
        balancer.backward(losses, shared)
    balancer.attach(shared)
    with pytest.raises(ValueError, match=r"found no features with a graph"):
        balancer.backward(losses, shared)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_names_the_task(value):
    model, balancer = Linear([[1.0, 0.0], [value, 1.0]]), balancing.cagrad()
    balancer.prepare("ab")
    with pytest.raises(ValueError, match=r"the gradient of task 'b' on the shared parameters is not finite: CAGrad"):
        balancer.backward(model(None), model)
    assert model.shared[0].grad is None


def test_gradients_that_are_all_zero_are_told():
    model, balancer = Linear([[0.0, 0.0], [0.0, 0.0]]), balancing.upgrad()
    balancer.prepare("ab")
    with pytest.raises(ValueError, match=r"the gradients of all tasks \(a, b\) .* are zero, so UPGrad has nothing to combine"):
        balancer.backward(model(None), model)


def test_a_loss_without_a_graph_names_the_task():
    model, balancer = Linear([[1.0, 0.0], [0.0, 1.0]]), balancing.pcgrad()
    balancer.prepare("ab")
    losses = model(None)
    with pytest.raises(ValueError, match=r"the loss of task 'b' has no graph"):
        balancer.backward({"a": losses["a"], "b": losses["b"].detach()}, model)


BAD_ARGUMENTS = [
    (lambda: balancing.pcgrad(level="heads"), r"level= must be 'parameters' or 'features', not 'heads'"),
    (lambda: balancing.Aggregation(aggregation.PCGrad()(torch.eye(2))), r"make= takes a function"),
    (lambda: balancing.cagrad(-1), r"CAGrad's c must be zero or more and finite, not -1"),
    (lambda: balancing.cagrad(float("nan")), r"CAGrad's c must be .* not nan"),
    (lambda: balancing.fairgrad(0), r"FairGrad's alpha must be above zero"),
    (lambda: balancing.gradvac(2), r"GradVac's beta must be from 0 to 1"),
    (lambda: NashBargaining(-1), r"max_norm must be zero or more"),
    (lambda: two_tasks.two_task_cagrad(-1), r"CAGrad's c must be zero or more"),
    (lambda: two_tasks.weighted_sum(2), r"the share of the first task must be from 0 to 1"),
    (lambda: two_tasks.two_task_mgda(torch.eye(3)), r"two gradients have a Gramian of 2×2 numbers, not \(3, 3\)"),
]


@pytest.mark.parametrize(("make", "words"), BAD_ARGUMENTS)
def test_bad_arguments_are_told(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_method_can_be_made_again_once_it_has_been_used():
    # A module that is loaded late must not take the place of a function of the same name.
    for name in balancing.__all__:
        make = getattr(balancing, name)
        if make in ALL.values():
            make().prepare("ab")
            assert getattr(balancing, name) is make, name
