"""The ranges of an optimizer's parameters."""

from __future__ import annotations


def require_not_negative(**values: float) -> None:
    """Check parameters given by name.

    Raises:
        ValueError: one is negative or NaN.
    """
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"{name}: {value} is out of range. Give a number of at least 0.")


def require_decay_rates(**values: float) -> None:
    """Check factors of running means, given by name.

    Raises:
        ValueError: one is not in 0..1, 1 excluded.
    """
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name}: {value} is out of range. Give a number from 0 to below 1.")
