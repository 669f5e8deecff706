"""Learning from generated data."""
