"""Chance is one's own, on the CPU and on accelerators."""

from contextlib import nullcontext

import pytest
import torch

from mtl_utils import randomness
from mtl_utils.randomness import RandomState, seeded


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_chance_on_an_accelerator_is_ones_own_as_well(kind, monkeypatch):
    # A generator of our own stands for the accelerator's.
    generator, where = torch.Generator().manual_seed(77), getattr(torch, kind)
    monkeypatch.setattr(where, "get_rng_state", lambda *_: generator.get_state())
    monkeypatch.setattr(where, "set_rng_state", lambda state, *_: generator.set_state(state))
    monkeypatch.setattr(where, "manual_seed", generator.manual_seed)
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())
    before, expected = generator.get_state(), torch.rand(4, generator=torch.Generator().manual_seed(5))
    own = RandomState(5, torch.device(kind))
    assert torch.equal(generator.get_state(), before)
    drawn = []
    for _ in range(2):
        with own:
            drawn.append(torch.rand(2, generator=generator))
        assert torch.equal(generator.get_state(), before)
    assert torch.equal(torch.cat(drawn), expected)


def test_chance_inside_is_ones_own_and_outside_untouched():
    before = torch.get_rng_state()
    own = RandomState(5)
    with own:
        first = torch.rand(2)
    with pytest.raises(RuntimeError, match=r"^oops$"), own:
        second = torch.rand(2)
        raise RuntimeError("oops")
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(5):
        assert torch.equal(torch.rand(4), torch.cat([first, second]))
    for seed in ("1", 1.0, True, None):
        with pytest.raises(ValueError, match=r"a seed must be a whole number"):
            randomness.generator(seed)
