"""A node's sessions: what it knows of each, their groups, and what goes out."""
