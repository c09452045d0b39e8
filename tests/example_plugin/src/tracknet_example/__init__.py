"""A backbone for tracknet, in a package of its own."""
