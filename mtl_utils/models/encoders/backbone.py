"""torchvision's classification networks as encoders: cut into stages, without their classifier."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import nn
from torchvision import models as torchvision_models
from torchvision.models import WeightsEnum
from torchvision.models.convnext import ConvNeXt
from torchvision.models.efficientnet import EfficientNet
from torchvision.models.mobilenetv3 import MobileNetV3
from torchvision.models.resnet import ResNet
from torchvision.models.vision_transformer import VisionTransformer

from mtl_utils.models.encoders.pretrained import pretrained_state
from mtl_utils.models.encoders.stages import EncoderFactory, check_image_shape
from mtl_utils.models.encoders.vision_transformer import transformer_stages, with_position_embedding

SMALLEST = 32  # pixels; below that these networks leave nothing to look at
FAMILIES = (ResNet, MobileNetV3, EfficientNet, ConvNeXt, VisionTransformer)


def backbone(
    name: str, *, weights: WeightsEnum | str | None = None, download: bool = False, pool: bool = True
) -> EncoderFactory:
    """Makes encoders out of a torchvision network: ResNet, MobileNetV3, EfficientNet, ConvNeXt or ViT, of any size.

    The stages are cut where the resolution falls: `stage1`, `stage2`, … (ResNet: `stem` and `layer1` to `layer4`; ViT:
    `patches` and three groups of blocks), then `pool`. The network is torchvision's own, so pretrained weights fit; for images
    that have not three channels, the filters of its first convolution are averaged over colors (times 3/C).

    Args:
        name: as torchvision calls it, such as `"mobilenet_v3_small"`, `"efficientnet_b0"`, `"convnext_tiny"` or `"vit_b_16"`.
        weights: published weights, such as `"DEFAULT"`, from torchvision's cache; `None` starts from chance. Their hash is
            checked and no code in the file is run (see `pretrained_state`). Normalize the images as they expect (`IMAGENET`).
        download: whether the weights may be fetched, where they are not in the cache.
        pool: whether to give a vector, `[N, channels]`; without it the encoder gives a map `[N, channels, H', W']`, for tasks
            per pixel (of a ViT: its tokens in their places).

    Returns:
        A function from an image shape to an encoder, to give to `hard_sharing` and all others.

    Raises:
        ValueError: if torchvision has no such network or weights, or it is of another family.
        PretrainedWeightsError: when the encoder is made, if the weights are not at hand.

    Example:
        >>> from mtl_utils.models import stage_shapes
        >>> encoder = backbone("mobilenet_v3_small")((3, 64, 64))
        >>> stage_shapes(encoder, (3, 64, 64))[-1]
        (576,)
    """
    if name not in torchvision_models.list_models(module=torchvision_models):
        known = ", ".join(
            torchvision_models.list_models(module=torchvision_models, include=["resnet*", "mobilenet_v3*", "vit*"])
        )
        raise ValueError(f"torchvision has no classification network '{name}'; it has {known} and others")
    chosen: WeightsEnum | None = None
    if isinstance(weights, str):
        try:
            chosen = torchvision_models.get_model_weights(name)[weights]
        except KeyError:
            published = ", ".join(each.name for each in torchvision_models.get_model_weights(name))
            raise ValueError(f"{name} has no weights '{weights}'; published are {published}") from None
    elif weights is not None:
        chosen = weights
        if chosen not in list(torchvision_models.get_model_weights(name)):
            raise ValueError(f"{weights} are weights of another network than {name}")

    def make(image_shape: tuple[int, int, int] = (3, 224, 224)) -> nn.Sequential:
        _, height, width = check_image_shape(image_shape, at_least=SMALLEST, encoder=name)
        sizes = {"image_size": height} if name.startswith("vit") else {}
        if sizes and height != width:
            raise ValueError(f"{name} needs square images, these are {height}×{width}; read them with size={height}")
        # Without classes of its own: the classifier is left out below.
        network = torchvision_models.get_model(name, weights=None, **sizes)
        if not isinstance(network, FAMILIES):
            families = ", ".join(family.__name__ for family in FAMILIES)
            raise ValueError(f"'{name}' cannot be cut into stages here; the families are {families}")
        if chosen is not None:
            network.load_state_dict(with_position_embedding(network, pretrained_state(chosen, download=download)))
        for_colors(network, image_shape[0])
        if isinstance(network, VisionTransformer):
            return transformer_stages(network, pool)
        return _with_pool(network, image_shape, pool)

    return make


def for_colors(network: nn.Module, colors: int) -> None:
    """Let the first convolution take another number of channels; its filters are the mean over colors, times 3/C."""
    if colors == 3:
        return
    name, first = next((name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d))
    made = nn.Conv2d(
        colors,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    with torch.no_grad():
        made.weight.copy_((first.weight.mean(1, keepdim=True) * 3 / colors).expand_as(made.weight))
        if made.bias is not None and first.bias is not None:
            made.bias.copy_(first.bias)
    holder, _, last = name.rpartition(".")
    setattr(network.get_submodule(holder), last, made)


def _with_pool(network: nn.Module, image_shape: tuple[int, int, int], pool: bool) -> nn.Sequential:
    if isinstance(network, ResNet):
        stages: OrderedDict[str, nn.Module] = OrderedDict(
            stem=nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool),
            **{f"layer{number}": getattr(network, f"layer{number}") for number in range(1, 5)},
        )
    else:
        stages = OrderedDict(_cut(network.features, image_shape))  # type: ignore[arg-type]
    if pool:
        last: list[nn.Module] = [nn.AdaptiveAvgPool2d(1)]
        if isinstance(network, ConvNeXt):
            last.append(network.classifier[0])  # its normalization belongs to the features, not to the classes
        stages["pool"] = nn.Sequential(*last, nn.Flatten())
    return nn.Sequential(stages)


def _cut(features: nn.Sequential, image_shape: tuple[int, int, int]) -> Iterator[tuple[str, nn.Sequential]]:
    """The blocks of a network in stages of one resolution each, found by sending a black image through."""
    stage: list[nn.Module] = []
    resolution, number = image_shape[1:], 1
    image = torch.zeros(1, *image_shape)
    modes = [(module, module.training) for module in features.modules()]
    features.eval()
    with torch.no_grad():
        for block in features:
            image = block(image)
            if tuple(image.shape[2:]) != resolution and stage:
                yield f"stage{number}", nn.Sequential(*stage)
                stage, number = [], number + 1
            stage.append(block)
            resolution = (image.shape[2], image.shape[3])
    for module, training in modes:
        module.training = training
    yield f"stage{number}", nn.Sequential(*stage)
