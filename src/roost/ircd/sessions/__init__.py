"""A node's sessions: what it knows about each, their groups, and its output."""
