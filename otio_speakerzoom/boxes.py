"""Boxes against each other: overlap, share inside, which of several are one face."""
