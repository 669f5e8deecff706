"""From clips to samples: reading, cropping, augmenting, generating on the fly."""
