"""Logging in and passwords: SASL outcomes, and the answers."""
