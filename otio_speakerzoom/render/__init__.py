"""A cut list as a film."""
