"""Active speaker networks, one per file: the published ones layer for layer, and our own."""
