"""From a configuration to a trained network: Lightning's trainer, run folders, the summary."""
