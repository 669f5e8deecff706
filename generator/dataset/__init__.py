"""Rendered clips on disk: the native format, the dataset folder, and exports to other layouts."""
