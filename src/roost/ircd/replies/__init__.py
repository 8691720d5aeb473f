"""Replies that several commands share: numerics, refusals, lists, labels."""
