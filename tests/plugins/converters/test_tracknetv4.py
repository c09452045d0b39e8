"""TrackNetV4 of codelancera-offical/TracknetV5 @ 2842f424."""

import torch


def test_it_answers_as_the_published_code(names, fill_unet, answer, agree) -> None:
    fill_unet(9)
    names.convolution("head.conv", 3, 64, 1, 1)
    names.shapes |= {"backbone.motion.a": (), "backbone.motion.b": ()}
    state = names.state(1.0) | {"backbone.motion.gray_scale": torch.tensor([0.299, 0.587, 0.114])}
    numbers = (
        "0.5047478 0.511779 0.5143528 0.5167646 0.518952 0.5198762 0.526419 0.5149446 0.5872676 0.5949366 0.5917162 "
        "0.5033073 0.5028151 0.6092457 0.5555531 0.5372224 0.4987231 0.495145 0.5117764 0.5125887 0.501551 0.4999894 "
        "0.5036735 0.5166584"
    )
    agree(answer("tracknetv4", state, (32, 16)).sigmoid(), 808.417, numbers)
