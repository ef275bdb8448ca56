"""Renders a cut list as a film."""
