"""Frames to tracked frames: a detector, led over a clip, and what is written of it."""
