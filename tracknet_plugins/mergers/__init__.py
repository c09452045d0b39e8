"""Mergers: what overlapping windows make of a frame."""
