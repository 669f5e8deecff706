"""Body models: what they are, how they are read, how they are posed."""
