"""What every test runs under."""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
"""Shells start background jobs with Ctrl-C ignored, which children would inherit; tests send it."""
