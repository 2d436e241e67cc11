"""Fixtures of the labs' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ipywidgets.widgets import widget as widget_module
from small_labs import MADE, make_lab, remember

from mtl_utils.lab import LossWeightLab


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    """Every test closes its labs, and closing leaves no widget behind."""
    before = set(widget_module._instances)
    yield
    for lab in list(MADE):
        lab.close()
    MADE.clear()
    assert set(widget_module._instances) == before


@pytest.fixture
def lab() -> LossWeightLab:
    return remember(make_lab())
