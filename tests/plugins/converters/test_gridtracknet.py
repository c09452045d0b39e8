"""VballNetGridV1a of asigatchov/vball-net-pytorch @ 41833e0e."""


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    widths = (15, 64, 64, None, 128, 128, None, 256, 256, None, 256, 256, 256, None, 512, 512, 512)
    before = widths[0]
    for number, after in enumerate(widths[1:]):
        if after is not None:
            names.convolution(f"features.{number}.conv", after, before, 3, 3, bias=True)
            names.normalization(f"features.{number}.bn", after)
            before = after
    names.convolution("head", 15, 512, 3, 3, bias=True)
    numbers = (
        "-0.156315 1.197948 -0.7758453 0.2206054 0.7206524 0.9926687 1.73423 -0.3528758 -0.8242854 -0.00217922 "
        "0.2489763 0.03332846 1.407941 0.7707999 0.5291914 0.2429262 0.5199874 0.4394512 0.6685164 -0.3680325 "
        "-0.2097654 1.058757 -0.1570362 -1.208912"
    )
    content = {"epoch": 1, "model_state_dict": names.state(1.4)}
    agree(answer("gridtracknet", content, (64, 48), stride=16), 51.7207, numbers)
