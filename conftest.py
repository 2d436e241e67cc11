"""How the whole test command is spread over processes: a file at a time, one thread each, what takes longest first."""

import os
from pathlib import Path

import pytest

# Processes that share the cores must not use all of them: two threads each can be ten times slower. Set before PyTorch is
# loaded here or in the kernels of notebooks.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Seconds that files take on two cores; everything else is shorter. Longest first, so that no process is idle at the end.
# The order changes nothing but the time.
_SECONDS = {"notebooks": 60, "browser": 50, "lab": 40, "test_style.py": 40}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort files by time."""

    def seconds(item: pytest.Item) -> int:
        return max(_SECONDS.get(part, 0) for part in Path(item.nodeid.split("::")[0]).parts)

    items.sort(key=lambda item: -seconds(item))  # stable: cells and tests of a file keep their order
