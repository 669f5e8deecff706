"""Training at the command line."""
