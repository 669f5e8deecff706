"""Rigs: where a clip's cameras stand, and how they move."""
