"""A network learns a hall from video that nobody labelled: what it agrees with itself about, and pasted balls."""

from tracknet_core.adapting.adapting import Adapted, adapt
from tracknet_core.tracking.networks import network_and_videos

__all__ = ["Adapted", "adapt", "network_and_videos"]
