"""Trained weights: the catalogue, finding and downloading files, and loading them into networks."""
