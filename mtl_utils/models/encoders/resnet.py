"""torchvision's ResNet-18, cut into stages."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn
from torchvision.models import ResNet18_Weights
from torchvision.models import resnet18 as torchvision_resnet18

from mtl_utils.models.encoders.pretrained import pretrained_state
from mtl_utils.models.encoders.stages import check_image_shape


def resnet18(
    image_shape: tuple[int, int, int] = (3, 224, 224),
    *,
    weights: ResNet18_Weights | None = None,
    download: bool = False,
    pool: bool = True,
) -> nn.Sequential:
    """ResNet-18 (He et al., CVPR 2016) as stages `stem`, `layer1` to `layer4` and `pool`.

    Deviation for small images (under 64 pixels), usual for CIFAR: the stem is a 3×3 convolution of stride 1 without
    max-pooling, since the original one would leave 7×7 pixels of a 28×28 image; with pretrained weights its filters are the
    middle 3×3 of the original 7×7. For images that have not three channels the first convolution is made anew; with pretrained
    weights its filters are the originals averaged over colors (times 3/C).

    Args:
        image_shape: channels, height and width of the images.
        weights: pretrained weights, such as `ResNet18_Weights.DEFAULT`, read from torchvision's cache and never unpickled (see
            `pretrained_state`). `None` starts from chance.
        download: whether pretrained weights that are not in the cache may be fetched from torchvision's server (45 MB).
        pool: whether to average over the image at the end, to `[N, 512]`; without it the encoder gives `[N, 512, H', W']`.

    Raises:
        PretrainedWeightsError: if pretrained weights are not in the cache and `download` is off, or are not those published.
        ValueError: if images are smaller than 8×8 pixels, or `weights` are of another network.

    Example:
        >>> list(dict(resnet18((1, 28, 28)).named_children()))
        ['stem', 'layer1', 'layer2', 'layer3', 'layer4', 'pool']
    """
    colors, height, width = check_image_shape(image_shape, at_least=8, encoder="resnet18")
    if weights is not None and not isinstance(weights, ResNet18_Weights):
        raise ValueError(f"resnet18: weights= takes torchvision.models.ResNet18_Weights.DEFAULT, say, or None, not {weights!r}")
    network = torchvision_resnet18()
    if weights is not None:
        network.load_state_dict(pretrained_state(weights, download=download))
    stem = network.conv1
    if min(height, width) < 64:
        stem = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
        if weights is not None:
            stem.weight.data.copy_(network.conv1.weight.data[:, :, 2:5, 2:5])
    if colors != 3:
        gray = stem.weight.data.mean(1, keepdim=True) * 3 / colors
        stem = nn.Conv2d(colors, 64, stem.kernel_size, stem.stride, stem.padding, bias=False)
        if weights is None:
            nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
        else:
            stem.weight.data.copy_(gray.expand_as(stem.weight))
    first = [stem, network.bn1, network.relu]
    if min(height, width) >= 64:
        first.append(network.maxpool)
    stages: OrderedDict[str, nn.Module] = OrderedDict(
        stem=nn.Sequential(*first),
        layer1=network.layer1,
        layer2=network.layer2,
        layer3=network.layer3,
        layer4=network.layer4,
    )
    if pool:
        stages["pool"] = nn.Sequential(network.avgpool, nn.Flatten())
    return nn.Sequential(stages)
