"""Clips to windows to batches: the one windowing, for training, evaluation and prediction."""
