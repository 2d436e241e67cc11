"""Everything that is added to what the balancer descends: L1 and L2, the distance between columns, the balance of gates."""

from mtl_utils.penalties.base import Penalty
from mtl_utils.penalties.distance import DecoupledDistancePenalty, DistancePenalty
from mtl_utils.penalties.gate_balance import GateBalance
from mtl_utils.penalties.l1_l2 import L1, L2

__all__ = ["L1", "L2", "DecoupledDistancePenalty", "DistancePenalty", "GateBalance", "Penalty"]
