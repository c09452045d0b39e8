"""Clips to windows to batches, and the command that looks at data before it is believed."""
