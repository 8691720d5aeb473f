"""The client: a pure model, a connection that drives it, and an interface for people."""
