"""Formats: trained networks as files that run without tracknet."""
