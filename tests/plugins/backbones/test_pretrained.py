import re
import warnings

import huggingface_hub
import pytest
import torch

from tracknet_core.errors import UserError
from tracknet_plugins.backbones.convnext import ConvNeXt
from tracknet_plugins.backbones.timm import Timm
from tracknet_plugins.backbones.vit import ViT

BACKBONES = [(ViT, "variant", "test_vit"), (ConvNeXt, "variant", "test_convnext"), (Timm, "model", "test_resnet")]


@pytest.fixture(params=BACKBONES, ids=lambda backbone: backbone[0].__name__)
def build(request):
    constructor, key, name = request.param

    def build(pretrained, variant=name):
        return constructor(in_channels=3, image_size=(96, 64), pretrained=pretrained, **{key: variant})

    build.variant = name
    return build


@pytest.fixture
def offline(monkeypatch):
    class Session:
        def head(self, url, timeout):
            raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub, "get_session", Session)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)


@pytest.mark.usefixtures("offline")
def test_without_network_the_message_says_how_to_give_a_file(build):
    with pytest.raises(UserError) as caught:
        build(True)
    message = str(caught.value)
    assert message.startswith("pretrained: ")
    assert build.variant in message
    assert "Name or service not known" in message
    assert "pretrained: path/to/model.safetensors" in message


def test_weights_that_were_fetched_before_need_no_network(build, weights, monkeypatch, offline):
    path, network = weights(build.variant)
    asked = []
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *of: asked.append(of) or str(path))
    kept = {tensor.flatten()[0].item() for tensor in build(True).parameters() if tensor.ndim == 4}
    assert kept <= {tensor.flatten()[0].item() for tensor in network.parameters()}
    ((repository, file),) = asked
    assert repository.startswith(f"timm/{build.variant}.")
    assert file == "model.safetensors"


@pytest.mark.usefixtures("offline")
def test_a_network_without_published_weights_says_so():
    with pytest.raises(UserError, match="no weights are published for 'test_vit4'"):
        ViT(in_channels=3, image_size=(96, 64), variant="test_vit4", pretrained=True)


def test_a_missing_file_is_named(build, tmp_path):
    path = tmp_path / "nothing.safetensors"
    with pytest.raises(UserError, match=f"there is no file {re.escape(str(path))}"):
        build(str(path))


@pytest.mark.parametrize("name", ["model.safetensors", "model.pth"])
def test_a_file_of_something_else_is_refused(build, tmp_path, name):
    path = tmp_path / name
    path.write_text("not weights")
    with pytest.raises(UserError, match=f"{re.escape(str(path))} is not a file of weights"):
        build(str(path))


def test_objects_in_a_file_are_not_unpickled(build, tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"weight": ViT}, path)
    with pytest.raises(UserError, match="is not a file of weights"):
        build(str(path))


def test_weights_of_another_network_are_refused_with_some_of_the_names(build, weights):
    path, _ = weights("test_nfnet")
    with pytest.raises(UserError) as caught:
        build(str(path))
    message = str(caught.value)
    assert f"{path} do not fit '{build.variant}'" in message
    assert "Missing key" in message
    assert "Unexpected key" in message
    assert max(map(len, message.splitlines())) <= 300 + len(str(path)) + 100


def test_a_missing_weight_is_refused(build, weights):
    path, network = weights(build.variant, edit=lambda state: state.pop(next(iter(state))))
    with pytest.raises(UserError, match=re.escape(next(iter(network.state_dict())))):
        build(str(path))


@pytest.mark.parametrize(
    ("variant", "licence"),
    [("vit_small_patch16_dinov3", "dinov3-license"), ("convnextv2_atto.fcmae", "cc-by-nc-4.0")],
)
def test_a_licence_with_conditions_is_told(offline, variant, licence):
    constructor = ViT if variant.startswith("vit") else ConvNeXt
    with pytest.warns(UserWarning, match=f"'{licence}'"), pytest.raises(UserError):
        constructor(in_channels=3, image_size=(96, 64), variant=variant, pretrained=True)


def test_random_weights_and_free_licences_warn_of_nothing(build, weights):
    path, _ = weights(build.variant)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(False)
        build(str(path))
