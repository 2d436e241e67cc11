"""torchvision's ViT as stages: patches, groups of blocks, and its class token or its tokens in their places."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings

GROUPS = 3


class Patches(nn.Module):
    """From images to tokens `[N, 1 + patches, channels]`: the class token first, each with its place added."""

    def __init__(self, network: VisionTransformer) -> None:
        super().__init__()
        self.conv_proj, self.dropout = network.conv_proj, network.encoder.dropout
        self.class_token, self.pos_embedding = network.class_token, network.encoder.pos_embedding

    def forward(self, images: Tensor) -> Tensor:
        patches = self.conv_proj(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), patches], dim=1)
        embedded: Tensor = self.dropout(tokens + self.pos_embedding)
        return embedded


class ClassToken(nn.Module):
    """From tokens to one vector per image, `[N, channels]`: the class token, normalized."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, tokens: Tensor) -> Tensor:
        token: Tensor = self.norm(tokens)[:, 0]
        return token


class TokenMap(nn.Module):
    """From tokens to a map `[N, channels, H', W']`: each patch's token in its place, normalized; without the class token."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, tokens: Tensor) -> Tensor:
        patches: Tensor = self.norm(tokens)[:, 1:].transpose(1, 2)
        side = round(patches.shape[2] ** 0.5)
        return torch.unflatten(patches, 2, (side, side))


def transformer_stages(network: VisionTransformer, pool: bool) -> nn.Sequential:
    """The stages of a ViT; between them go tokens."""
    blocks = list(network.encoder.layers)
    stages: OrderedDict[str, nn.Module] = OrderedDict(patches=Patches(network))
    size = -(-len(blocks) // GROUPS)
    for number in range(GROUPS):
        stages[f"blocks{number + 1}"] = nn.Sequential(*blocks[number * size : (number + 1) * size])
    stages["pool" if pool else "tokens"] = (ClassToken if pool else TokenMap)(network.encoder.ln)
    return nn.Sequential(stages)


def with_position_embedding(network: nn.Module, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Published weights, with a ViT's places stretched to the size of the images, if that is another one."""
    if not isinstance(network, VisionTransformer):
        return state
    return interpolate_embeddings(network.image_size, network.patch_size, OrderedDict(state))  # type: ignore[no-any-return]
