"""Voice activity detection and active speaker detection: how much each face speaks."""
