"""What the answers of several commands share: numerics, refusals, lists, labels."""
