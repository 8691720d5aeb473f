"""The life of a session on this node: registration, lines, jobs, takeover, end."""
