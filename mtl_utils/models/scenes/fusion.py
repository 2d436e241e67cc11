"""Fusion of tasks: every task's first prediction tells the others something, through gates (PAD-Net)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Fusion(nn.Module):
    """The distillation of PAD-Net (Xu et al., CVPR 2018, module C: attention-guided message passing).

    A first prediction becomes features F_i = ReLU(conv3×3(prediction_i)). Task k receives from the others

        F_k + G_k ⊙ Σ_{i≠k} W_i F_i,  with the gate G_k = sigmoid(conv3×3(F_k)),

    so that each task decides, place by place, what it lets in.

    Deviations: what a task sends, W_i F_i (a 1×1 convolution here), is the same for all that receive it, where the paper has a
    convolution for each pair. Predictions come as they are, without softmax, as in the paper.

    Args:
        predictions: for each task the channels of its first prediction `[N, C_i, gh, gw]`.
        width: channels of the features.
    """

    def __init__(self, predictions: Mapping[str, int], width: int) -> None:
        super().__init__()
        self.read = nn.ModuleDict(
            {name: nn.Sequential(nn.Conv2d(count, width, 3, padding=1), nn.ReLU()) for name, count in predictions.items()}
        )
        self.send = nn.ModuleDict()
        self.gate = nn.ModuleDict()
        if len(predictions) > 1:
            self.send.update({name: nn.Conv2d(width, width, 1) for name in predictions})
            self.gate.update({name: nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.Sigmoid()) for name in predictions})

    def forward(self, predictions: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """For each task the features `[N, width, gh, gw]` that its second prediction is made from."""
        own = {name: self.read[name](prediction) for name, prediction in predictions.items()}
        if len(own) == 1:
            return own
        sent = {name: self.send[name](features) for name, features in own.items()}
        everything = torch.stack(list(sent.values())).sum(0)
        return {name: own[name] + self.gate[name](own[name]) * (everything - sent[name]) for name in own}
