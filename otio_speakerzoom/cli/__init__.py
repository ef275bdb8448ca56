"""The command line: parses a request, checks it, runs its verb, and reports how it ended."""
