"""Job files for render farms: text that a farm's own scheduler runs."""
