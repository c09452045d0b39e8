"""Trained networks that a package ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tracknet_core.errors import UserError
from tracknet_core.model_folder import CARD, card_summary, is_model_folder
from tracknet_core.testing.require import require
from tracknet_core.tracking.detector import load_detector


def check_model(component: Callable[[], Path]) -> None:
    """Check a model: its folder holds weights, configuration and card, and a network that answers.

    Args:
        component: gives the folder.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    folder = component()
    require(is_model_folder(folder), f"{folder}: there are no weights with a configuration here")
    require(bool(card_summary(folder)), f"{folder / CARD}: a card begins with what the network is, in a sentence")
    try:
        detector = load_detector(folder, device="cpu")
    except UserError as error:
        raise AssertionError(f"{folder}: cannot be loaded: {error}") from error
    window = detector.window
    width, height = window.image_size
    pictures = np.zeros((1, window.pictures, 3, height, width), np.uint8)
    found, _ = detector.detections(pictures, *detector.state)
    require(
        found.score.shape[:2] == (1, len(window.targets)),
        f"{folder}: an answer for each of {len(window.targets)} frames is expected, got {found.score.shape[:2]}",
    )
