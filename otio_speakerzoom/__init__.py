"""Cuts a wide recording of a conversation to whoever is speaking, as an edited timeline."""
