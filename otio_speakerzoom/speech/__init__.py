"""How much each face is speaking."""
