"""The command line of Mannequin, above generator, renderers and training."""
