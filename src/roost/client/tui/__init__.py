"""The terminal interface: it renders the model's state and calls its intents, nothing more."""
