"""The parts that tracknet ships: one folder per kind, one component per file."""
