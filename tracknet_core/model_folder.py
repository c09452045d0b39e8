"""A trained network as a folder of files that anybody can read.

The folder holds the weights as safetensors, the configuration as YAML, and a card for people to read, as repositories
of models have them. Beside these may lie the network in a format that runs without torch.
"""

from __future__ import annotations

from pathlib import Path

WEIGHTS = "model.safetensors"
CONFIG = "config.yaml"
CARD = "README.md"
PORTABLE = "network"
"""Name, without suffix, of the network in another format."""


def is_model_folder(path: Path) -> bool:
    """Return whether a folder holds a trained network."""
    return (path / WEIGHTS).is_file() and (path / CONFIG).is_file()


def card_summary(folder: Path) -> str:
    """Return the first paragraph of the card of a model, in one line."""
    text = (folder / CARD).read_text(encoding="utf-8") if (folder / CARD).is_file() else ""
    paragraphs = [part for part in text.split("\n\n") if part.strip() and not part.lstrip().startswith(("#", "---"))]
    return " ".join(paragraphs[0].split()) if paragraphs else ""
