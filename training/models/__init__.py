"""Networks, each of which knows nothing of data, losses and loops."""
