"""LeNet as the multi-task literature uses it for MultiMNIST."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from mtl_utils.models.encoders.stages import check_image_shape, check_sizes


def lenet(
    image_shape: tuple[int, int, int] = (1, 28, 28), *, channels: tuple[int, int] = (10, 20), features: int = 50
) -> nn.Sequential:
    """LeNet's encoder in three stages: two of 5×5 convolution, 2×2 max-pooling and ReLU, and a dense one.

    The sizes are those of Sener & Koltun, "Multi-task learning as multi-objective optimization" (NeurIPS 2018), without
    their dropout. Their heads have a hidden layer, 50→50→10; `make_head` makes linear ones, 50→10. As theirs, it pools before
    the ReLU: the largest value, cut off at zero, is the largest of the values that are cut off at zero, and there are only a
    quarter as many to cut off.

    Args:
        image_shape: channels, height and width of the images, at least 16×16 pixels.
        channels: channels after the two convolutions.
        features: length of the vector that comes out, `[N, features]`.

    Examples:
        >>> list(dict(lenet().named_children()))
        ['conv1', 'conv2', 'dense']
    """
    colors, height, width = check_image_shape(image_shape, at_least=16, encoder="lenet")
    if len(channels) != 2:
        raise ValueError(f"lenet has two convolutions and needs two numbers of channels, not {channels!r}")
    check_sizes("lenet", channels=channels[0], features=features)
    check_sizes("lenet", channels=channels[1])
    rows, columns = ((((size - 4) // 2) - 4) // 2 for size in (height, width))
    first, second = channels
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Sequential(nn.Conv2d(colors, first, 5), nn.MaxPool2d(2), nn.ReLU()),
            conv2=nn.Sequential(nn.Conv2d(first, second, 5), nn.MaxPool2d(2), nn.ReLU()),
            dense=nn.Sequential(nn.Flatten(), nn.Linear(second * rows * columns, features), nn.ReLU()),
        )
    )
