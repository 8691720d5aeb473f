"""How changes look: lines and their bytes, made once for all clients of a kind."""
