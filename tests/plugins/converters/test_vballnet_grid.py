"""VballNetGridV1b of asigatchov/vball-net-pytorch @ 41833e0e."""


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    before = 9
    for number, after in enumerate((64, 64, None, 128, 128, None, 256, 256, None, 256, 256, 256, None, 512, 512, 512)):
        if after is not None:
            names.convolution(f"features.{number}.dsconv.depthwise", before, 1, 3, 3)
            names.convolution(f"features.{number}.dsconv.pointwise", after, before, 1, 1)
            names.normalization(f"features.{number}.bn", after)
            before = after
    names.convolution("head.0", 27, 512, 3, 3, bias=True)
    numbers = (
        "0.1141473 0.005750831 0.03099012 0.004490359 -0.07917453 0.05185182 -0.1283713 -0.03694057 0.1476029 "
        "-0.2456142 0.1777534 0.1486577 0.05789468 -0.05085457 -0.1269912 0.3067298 -0.1430977 0.02129602 "
        "-0.07248928 0.07284307 -0.07449056 -0.2102297 -0.1007034 -0.01515966"
    )
    agree(answer("vballnet_grid", {"model_state_dict": names.state(1.1)}, (96, 48), stride=16), 0.72051, numbers)
