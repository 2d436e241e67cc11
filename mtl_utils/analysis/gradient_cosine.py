"""Whether gradients of several tasks point the same way."""

from __future__ import annotations

import torch
from torch import Tensor


def gradient_cosine(jacobian: Tensor) -> Tensor:
    """Cosines between the rows of a matrix of gradients.

    Args:
        jacobian: `[T, P]`, one gradient per task (see `mtl_utils.balancing.task_gradients`).

    Returns:
        `[T, T]`, symmetric, ones on the diagonal; 0 where a gradient is zero. Below 0 the gradients conflict.

    Examples:
        >>> gradient_cosine(torch.tensor([[1.0, 0.0], [-1.0, 0.0]])).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    if jacobian.dim() != 2:
        raise ValueError(f"gradients must come as a matrix [tasks, parameters], not {tuple(jacobian.shape)}")
    unit = torch.nn.functional.normalize(jacobian, dim=1)
    return (unit @ unit.T).clamp(-1, 1)
