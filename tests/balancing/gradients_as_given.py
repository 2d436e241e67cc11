"""A model whose gradients are given, and the methods that combine them."""

import pytest
import torch
from hypothesis import strategies as st
from torch import nn

from mtl_utils import balancing
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


numbers = st.floats(-3, 3, width=32)
pairs = st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=2, max_size=2)
