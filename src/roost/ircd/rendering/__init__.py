"""How changes look: lines, and their bytes."""
