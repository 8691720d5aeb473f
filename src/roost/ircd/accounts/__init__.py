"""Logging in: passwords, attempts, and the replies."""
