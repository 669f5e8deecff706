"""Describe, pose and record synthetic people. Nothing here imports a renderer."""
