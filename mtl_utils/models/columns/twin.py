"""Twin columns: each task keeps a network of its own. A penalty on the distance between the columns ties them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import torch

from mtl_utils.models.base import HasTasks
from mtl_utils.models.columns.base import Columns, Norm, build_columns, total_distance
from mtl_utils.models.encoders.stages import EncoderFactory
from mtl_utils.models.hard_sharing import HardSharing


class TwinColumns(Columns):
    """T columns that start alike and meet nowhere in the forward pass: no parameter is shared. Tie them by `DistancePenalty`.

    Duong et al., "Low resource dependency parsing" (ACL 2015), had two columns; here there may be any number.
    """

    def distances(self, norm: Norm = "L2") -> dict[str, float]:
        """How far apart the columns are, for each stage with weights.

        The mean over pairs of columns of Σ|θ_a − θ_b| (L1) or √Σ(θ_a − θ_b)² (L2).
        """
        result = {}
        for stage in self.stage_names:
            pairs = list(combinations([list(getattr(column, stage).parameters()) for column in self.columns.values()], 2))
            if not pairs or not pairs[0][0]:
                continue
            with torch.no_grad():
                far = [total_distance(one, two, norm) for one, two in pairs]
            result[stage] = sum(float(each) if norm == "L1" else float(each) ** 0.5 for each in far) / len(far)
        return result


def twin_columns(
    encoder: EncoderFactory, data: HasTasks, *, seed: int = 0, networks: Mapping[str, HardSharing] | None = None
) -> TwinColumns:
    """A column for each task of `data`, all with the initial weights of `hard_sharing` with this seed. See `build_columns`.

    Examples:
        >>> from mtl_utils import datasets, models
        >>> pairs = datasets.multi_mnist(train=60, val=20, test=20)
        >>> model = twin_columns(models.lenet, pairs)
        >>> any(len(part.tasks) > 1 for part in model.parts())  # nothing is shared; a penalty ties the columns
        False
    """
    columns, heads, _ = build_columns(encoder, data, seed=seed, networks=networks)
    return TwinColumns(columns, heads)
