"""The built-in actions, one subject a file."""
