"""Trackers: detections of a clip to the trajectory."""
