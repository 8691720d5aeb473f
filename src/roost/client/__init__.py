"""What people and scripts talk through: a pure model, a connection that obeys it, an interface."""
