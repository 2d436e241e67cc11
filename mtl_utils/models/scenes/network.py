"""One network that detects, segments, estimates depth and tracks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from mtl_utils.models.base import HasTasks, MultiTaskModel, Outputs, Part, check_data
from mtl_utils.models.encoders.small_cnn import small_cnn
from mtl_utils.models.encoders.stages import EncoderFactory, build_encoder, stage_shapes
from mtl_utils.models.scenes.decoder import Decoder
from mtl_utils.models.scenes.enhancement import ENHANCEMENTS
from mtl_utils.models.scenes.fusion import Fusion
from mtl_utils.models.scenes.heads import ImageHead, MapHead, scene_head
from mtl_utils.randomness import seeded

STRIDE = 4  # of the features that the heads read


class SceneNetwork(MultiTaskModel):
    """Encoder, decoder to stride 4, and a head per task; enhancement and fusion between them, if they are there.

    Frames of any height and width are taken: they are padded to a multiple of the encoder's stride, and the answers cut to what
    the frame covers. With fusion, `forward` returns `Outputs` whose `first` are the first predictions.

    Args:
        encoder: stages that each give a map, the coarser the later.
        decoder: reads the stages of stride 4 and more.
        finest: number of the stage of stride 4.
        coarsest_stride: stride of the last stage.
        heads: for each task its head; with fusion the head of the second prediction.
        enhancement: for each task what it applies to the shared features; empty for none.
        first_heads: for each task with a map the head of its first prediction; empty for no fusion.
        fusion: exchanges first predictions.
    """

    def __init__(
        self,
        encoder: nn.Sequential,
        decoder: Decoder,
        finest: int,
        coarsest_stride: int,
        heads: Mapping[str, MapHead | ImageHead],
        enhancement: Mapping[str, nn.Module],
        first_heads: Mapping[str, MapHead],
        fusion: Fusion | None,
    ) -> None:
        super().__init__(tuple(heads))
        self.encoder, self.decoder = encoder, decoder
        self._finest, self._multiple = finest, coarsest_stride
        self.heads = nn.ModuleDict(dict(heads))
        self.enhancement = nn.ModuleDict(dict(enhancement))
        self.first_heads = nn.ModuleDict(dict(first_heads))
        self.fusion = fusion

    def features(self, images: Tensor) -> Tensor:
        """The shared features `[N, width, gh, gw]` of images `[N, C, H, W]`, padded as they were."""
        height, width = images.shape[-2:]
        below, right = -height % self._multiple, -width % self._multiple
        maps = []
        features = F.pad(images, (0, right, 0, below)) if below or right else images
        for stage in self.encoder:
            features = stage(features)
            maps.append(features)
        joined: Tensor = self.decoder(maps[self._finest :])
        return joined

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        shared = self.features(images)
        size = (images.shape[-2], images.shape[-1])
        own = {name: self.enhancement[name](shared) if name in self.enhancement else shared for name in self.task_names}
        if self.fusion is None:
            return Outputs({name: self._answer(self.heads[name], own[name], size) for name in self.task_names})
        first = {name: head(own[name]) for name, head in self.first_heads.items()}
        fused = self.fusion(first)
        outputs = {
            # What all know together comes to the features, and does not replace them.
            name: self._answer(self.heads[name], own[name] + fused[name] if name in fused else own[name], size)
            for name in self.task_names
        }
        return Outputs(outputs, first={name: self._cut(self.first_heads[name], each, size) for name, each in first.items()})

    def parts(self) -> list[Part]:
        everybody = self.task_names
        stages = list(self.encoder.named_children())
        parts = [Part(f"encoder.{name}", everybody, stage, level) for level, (name, stage) in enumerate(stages)]
        level = len(stages)
        parts.append(Part("decoder", everybody, self.decoder, level))
        talking = tuple(self.first_heads)
        for name, each in self.enhancement.items():
            # With fusion all that talk hear of it, since it stands before the first prediction.
            parts.append(Part(f"enhancement for {name}", talking if name in talking else (name,), each, level + 1))
        if self.fusion is not None:
            for name, head in self.first_heads.items():
                parts.append(Part(f"first head of {name}", talking, head, level + 2))
            for name, read in self.fusion.read.items():
                parts.append(Part(f"features of {name}'s prediction", talking, read, level + 3))
            for name, send in self.fusion.send.items():
                parts.append(Part(f"message of {name}", tuple(each for each in talking if each != name), send, level + 4))
            parts += [Part(f"gate of {name}", (name,), gate, level + 4) for name, gate in self.fusion.gate.items()]
        last = parts[-1].level + 1
        return parts + [Part(f"head of {name}", (name,), head, last) for name, head in self.heads.items()]

    def _answer(self, head: nn.Module, features: Tensor, size: tuple[int, int]) -> Tensor:
        answers: Tensor = head(features)
        return self._cut(head, answers, size) if isinstance(head, MapHead) else answers

    def _cut(self, head: nn.Module, answers: Tensor, size: tuple[int, int]) -> Tensor:
        """The map that the task wants, without what lies in the padding."""
        assert isinstance(head, MapHead)
        stride = STRIDE // head.finer
        rows, columns = (-(-side // stride) for side in size)
        return head.enlarge(answers)[..., :rows, :columns]


def scene_network(
    data: HasTasks,
    *,
    channels: tuple[int, ...] = (16, 32, 64, 64),
    encoder: EncoderFactory | None = None,
    width: int = 32,
    hidden: int = 32,
    enhancement: bool | Literal["squeeze", "mask"] = False,
    fusion: bool = False,
    seed: int = 0,
) -> SceneNetwork:
    """A network for the tasks of `data`, all of them on maps or one answer per image.

    Args:
        data: a data set or a split, such as `moving_scenes(…).pairs()`; gives the tasks and the images' shape.
        channels: of the encoder, a `small_cnn` without its pooling.
        encoder: another one; each stage must give a map, and one of them must have stride 4.
        width: channels of the shared features.
        hidden: channels within the heads.
        enhancement: whether each task weighs the shared features for itself: by channel (`"squeeze"`, or `True`), or by channel
            and place (`"mask"`).
        fusion: whether first predictions are exchanged and second ones made (PAD-Net).
        seed: chooses the initial weights.

    Raises:
        ValueError: in words, if the encoder gives no map of stride 4, or an argument is none of those above.

    Example:
        >>> from mtl_utils import datasets
        >>> scenes = datasets.moving_scenes(1, 1, 1, frames=2, size=32).pairs()
        >>> outputs = scene_network(scenes)(scenes.val.batch(slice(0, 1))[0])
        >>> {name: tuple(output.shape[1:]) for name, output in outputs.items()}
        {'detection': (14, 8, 8), 'segmentation': (11, 32, 32), 'depth': (1, 32, 32), 'tracking': (2, 8, 8)}
    """
    kind = "squeeze" if enhancement is True else enhancement
    if kind is not False and kind not in ENHANCEMENTS:
        raise ValueError(f"enhancement must be True, False or one of {list(ENHANCEMENTS)}, not {enhancement!r}")
    check_data(data)
    maps = [task for task in data.tasks if task.stride is not None]
    if fusion and not maps:
        raise ValueError("fusion exchanges maps of predictions, and no task has one")
    # The usual encoder is built for frames of the size that they are padded to.
    shape = data.image_shape
    with seeded(seed):
        built = (
            build_encoder(encoder, shape)
            if encoder is not None
            else small_cnn(_padded(shape, 2 ** len(channels)), channels=channels, pool=0)
        )
        stages, finest, coarsest = _levels(built, shape)
        decoder = Decoder(stages, width)
        heads = {task.name: scene_head(task, width, hidden, STRIDE) for task in data.tasks}
        enhancements = {task.name: ENHANCEMENTS[kind](width) for task in data.tasks} if kind else {}
        first = {task.name: MapHead(task, width, hidden, STRIDE) for task in maps} if fusion else {}
        exchange = Fusion({task.name: first[task.name].outputs for task in maps}, width) if fusion else None
    return SceneNetwork(built, decoder, finest, coarsest, heads, enhancements, first, exchange)


def _levels(encoder: nn.Sequential, image_shape: tuple[int, int, int]) -> tuple[list[int], int, int]:
    """Channels of the stages from stride 4 on, the number of the first of them, and the stride of the last."""
    side = 64 * -(-max(image_shape[1:]) // 64)
    shapes = stage_shapes(encoder, (image_shape[0], side, side))
    names = [name for name, _ in encoder.named_children()]
    for name, shape in zip(names, shapes, strict=True):
        if len(shape) != 3:
            raise ValueError(
                f"every stage must give a map [C, H, W]; '{name}' gives {shape}: build the encoder without pooling"
            )
    strides = [side // shape[1] for shape in shapes]
    if STRIDE not in strides:
        raise ValueError(
            f"one stage must have stride {STRIDE}; those of this encoder have {dict(zip(names, strides, strict=True))}"
        )
    # Of several stages of stride 4 the last one, which knows most.
    finest = len(strides) - 1 - strides[::-1].index(STRIDE)
    return [shape[0] for shape in shapes[finest:]], finest, strides[-1]


def _padded(shape: tuple[int, int, int], multiple: int) -> tuple[int, int, int]:
    return shape[0], -(-shape[1] // multiple) * multiple, -(-shape[2] // multiple) * multiple
