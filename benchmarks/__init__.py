"""How Roost stands beside what people would use instead; `make bench` runs it."""
