"""Proof of a dataset: every label against something that did not make it."""
