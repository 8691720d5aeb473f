"""A session's life on this node: registration, lines, jobs, handover, its end."""
