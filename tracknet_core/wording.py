"""How numbers of things are said."""

from __future__ import annotations


def count(number: int, what: str) -> str:
    """Return '1 frame' or '2 frames'."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
