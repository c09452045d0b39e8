import pytest
import timm
import torch
from safetensors.torch import save_file


@pytest.fixture
def weights(tmp_path):
    """Save the weights of a network of timm, random but for their seed, and return the file and the network."""

    def save(variant, *, edit=None, suffix=".safetensors", **options):
        torch.manual_seed(7)
        network = timm.create_model(variant, **options).eval()
        state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
        if edit:
            edit(state)
        path = tmp_path / f"{variant}{suffix}"
        if suffix == ".safetensors":
            save_file(state, path)
        else:
            torch.save(state, path)
        return path, network

    return save


@pytest.fixture
def image():
    return torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(3))
