"""A trained network as a portable file, and whether it agrees with what it was made of."""
