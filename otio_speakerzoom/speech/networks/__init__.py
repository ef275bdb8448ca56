"""Published active-speaker networks, one a file, layer for layer."""
