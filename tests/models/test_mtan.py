"""MTAN: masks, the formula of every stage, what a task more costs, errors in words."""

import pytest
import torch
from torch import nn
from ways_of_sharing import (
    ENCODERS,
    batch_of,
    images_for,
    outputs,
    stir,
)

from mtl_utils import models


class TestAttention:
    @pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
    def test_masks_are_between_zero_and_one_and_fit_the_features(self, encoder):
        source = images_for(3, 4, count=3)
        model = stir(models.mtan(encoder, source)).eval()
        with torch.no_grad():
            masks = model.masks(batch_of(source)[0])
        shapes = [shape for shape in models.stage_shapes(model.stages, source.image_shape) if len(shape) == 3]
        for by_stage in masks.values():
            assert [tuple(mask.shape[1:]) for mask in by_stage.values()] == shapes
            assert all(0 <= mask.min() < mask.max() <= 1 for mask in by_stage.values())

    @pytest.mark.parametrize(("encoder", "shape"), [(models.lenet, (1, 28, 28)), (models.resnet18, (3, 32, 32))])
    def test_every_stage_is_its_formula(self, encoder, shape):
        source = images_for(3, 4, count=3, shape=shape)
        model = stir(models.mtan(encoder, source)).eval()
        images = batch_of(source)[0]
        with torch.no_grad():
            found, masks = model(images), model.masks(images)
            for task in model.task_names:
                shared, previous = images, None
                for number, (name, stage) in enumerate(model.stages.named_children()):
                    # u and p: before and after the last block of a ResNet's layer; elsewhere both are what the stage gives.
                    u = stage[0](shared) if name.startswith("layer") else stage(shared)
                    p = stage[1](u) if name.startswith("layer") else u
                    seen = u
                    if previous is not None:
                        shrink = previous.shape[-1] // u.shape[-1]
                        seen = torch.cat([u, nn.functional.max_pool2d(previous, shrink)], 1)
                    module = model.attention[task][number]
                    squeeze, squeeze_norm, _, spread, spread_norm, _ = module.mask
                    mask = torch.sigmoid(spread_norm(spread(torch.relu(squeeze_norm(squeeze(seen))))))
                    torch.testing.assert_close(masks[task][name], mask)
                    # What passes features on is one for all tasks; a ResNet has none after its last stage.
                    previous, shared = mask * p, p
                    if name != "layer4":
                        onward, onward_norm, _ = model.onward[number]
                        previous = torch.relu(onward_norm(onward(previous)))
                torch.testing.assert_close(found[task], model.heads[task](model.tails[task](previous)))

    def test_a_closed_mask_lets_nothing_of_the_image_through(self):
        source = images_for(3, 4, count=3)
        model = stir(models.mtan(models.lenet, source)).eval()
        for module in model.attention["first"]:
            module.mask[4].weight.data.zero_()
            module.mask[4].bias.data.fill_(-100)
        found = outputs(model, source)
        torch.testing.assert_close(found["first"][0], found["first"][1])
        assert not torch.allclose(found["second"][0], found["second"][1])

    def test_encoder_and_what_passes_features_on_are_shared_and_the_rest_is_not(self):
        model = models.mtan(models.lenet, images_for(3, 4))
        shared = {id(parameter) for parameter in model.shared_parameters()}
        assert shared == {id(parameter) for module in (model.stages, model.onward) for parameter in module.parameters()}
        assert [name for name, _ in model.stages.named_children()] == ["conv1", "conv2"]
        names = [part.name for part in model.parts() if len(part.tasks) == 2]
        assert names == ["encoder.conv1", "onward from conv1", "encoder.conv2", "onward from conv2"]

    def test_a_task_more_costs_its_masks_its_tail_and_its_head_alone(self):
        two, three = (models.mtan(models.lenet, images_for(*classes)) for classes in ((3, 4), (3, 4, 5)))
        # By hand: two 1×1 convolutions and two batch norms for each mask, the second sees the task's 20 channels as well.
        masks = 2 * (10 * 10 + 10 + 20) + (40 * 20 + 20 + 40) + (20 * 20 + 20 + 40)
        tail, head = 320 * 50 + 50, 50 * 5 + 5
        assert models.count_parameters(three) - models.count_parameters(two) == masks + tail + head

    def test_a_resnets_last_masks_lie_on_what_goes_to_the_pooling(self):
        model = models.mtan(models.resnet18, images_for(3, 4, shape=(3, 32, 32)))
        assert [name for name, _ in model.onward.named_parameters() if name.startswith("4.")] == []
        assert "onward from layer3" in {part.name for part in model.parts()}
        assert "onward from layer4" not in {part.name for part in model.parts()}

    def test_an_encoder_without_feature_maps_is_refused(self):
        def flat(shape):
            return nn.Sequential(nn.Flatten(), nn.Linear(784, 8))

        with pytest.raises(ValueError, match=r"MTAN masks feature maps.*first stage '0'.*convolutional"):
            models.mtan(flat, images_for(3, 4))

        def back(shape):
            return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Unflatten(1, (2, 26, 26)))

        with pytest.raises(ValueError, match="stage '2' gives a feature map after stage '1' gave a vector"):
            models.mtan(back, images_for(3, 4))
