"""A compiled z-buffer: exact labels, and colour without a path tracer."""
