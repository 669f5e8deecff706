"""Motion: recorded or procedural, always asked for on a given skeleton at given times."""
