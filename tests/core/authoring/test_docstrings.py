from tracknet_core.authoring.docstrings import Docstring, take_apart

WHOLE = """Summary of it.

    First paragraph,
    of two lines.

    Second: with a colon.

    Args:
        width: pixels,
            and more of it: indented.
        *rest: all others.
        size (int): old style.

    Returns:
        A pair
        of numbers.

    Raises:
        ValueError: never.

    An afterthought.
    """


def test_a_docstring_is_taken_apart() -> None:
    parts = take_apart(WHOLE)
    assert parts.summary == "Summary of it."
    assert parts.body == "First paragraph,\nof two lines.\n\nSecond: with a colon.\n\n\nAn afterthought."
    assert parts.entries("Args") == {
        "width": "pixels, and more of it: indented.",
        "rest": "all others.",
        "size": "old style.",
    }
    assert parts.text("Returns") == "A pair of numbers."
    assert parts.entries("Raises") == {"ValueError": "never."}
    assert parts.entries("Yields") == {}
    assert parts.text("Yields") == ""


def test_nothing_has_no_parts() -> None:
    assert take_apart(None) == take_apart("") == Docstring()


def test_a_line_with_a_colon_at_its_end_is_no_section_without_an_indent_below() -> None:
    assert take_apart("One.\n\nNote:\nplain text").body == "Note:\nplain text"
