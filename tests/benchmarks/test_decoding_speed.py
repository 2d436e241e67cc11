"""Decoding a folder takes at most 1.1 of the time that torchvision's own loader takes, with as many threads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from PIL import Image
from torchvision.datasets.folder import default_loader
from torchvision.transforms import v2

from mtl_utils.datasets.folders import decode


def photograph(path: Path, height: int, width: int, seed: int) -> Path:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")[0]
    pixels = (smooth * 255 + 4 * torch.randn(3, height, width, generator=generator)).clamp(0, 255).byte()
    Image.fromarray(pixels.movedim(0, -1).numpy()).save(path)
    return path


@pytest.mark.parametrize(
    ("height", "width", "suffix", "count"),
    [(375, 500, "jpg", 120), (1200, 1600, "jpg", 24), (375, 500, "png", 60), (64, 64, "jpg", 1500), (32, 32, "png", 1500)],
)
def test_decoding_keeps_up_with_torchvision(tmp_path, height, width, suffix, count):
    files = [photograph(tmp_path / f"{number}.{suffix}", height, width, number % 10) for number in range(min(count, 40))]
    files = (files * -(-count // len(files)))[:count]
    size = 224 if height > 224 else height
    transform = v2.Compose([v2.ToImage(), v2.Resize(size, antialias=True), v2.CenterCrop(size)])
    ways = {
        "ours": lambda file: decode(file, (size, size)),
        "torchvision": lambda file: transform(default_loader(str(file))),
    }
    best: dict[str, float] = {}
    for _ in range(5):  # taking turns, so that a busy moment strikes both
        for name, way in ways.items():
            started = time.perf_counter()
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(way, files))
            best[name] = min(best.get(name, float("inf")), time.perf_counter() - started)
    rates = {name: round(count / seconds) for name, seconds in best.items()}
    assert best["ours"] <= 1.1 * best["torchvision"], f"{height}×{width} {suffix}: {rates} images per second"
