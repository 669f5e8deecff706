"""Files: read safely whoever made them, and written whole or not at all, on a disk or behind a URL."""
