"""Trained networks that come with tracknet, a folder each."""
