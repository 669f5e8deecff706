"""Turn scenes into clips."""
