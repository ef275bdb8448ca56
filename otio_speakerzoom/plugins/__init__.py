"""Scripts and panels inside editors: what we send them, what they answer, how they get there."""
