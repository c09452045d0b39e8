"""Experiments side by side: trained on the same data for the same time, and scored by the same rules."""

from tracknet_core.comparing.comparing import as_text, compare_experiments
from tracknet_core.comparing.entries import Shared, find_entries
from tracknet_core.comparing.work import Scoring

__all__ = ["Scoring", "Shared", "as_text", "compare_experiments", "find_entries"]
