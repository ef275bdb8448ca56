"""The command line: what can be asked for, what is checked before it runs, and how a run ends."""
