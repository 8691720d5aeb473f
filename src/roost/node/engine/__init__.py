"""The part of a node that decides: pure, inputs and time in, effects out."""
