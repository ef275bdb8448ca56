"""The review page and the HTTP service behind it, on this machine only."""
