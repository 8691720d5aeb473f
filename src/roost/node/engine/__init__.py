"""The part of a node that decides. It is pure: inputs and the time go in, effects come out."""
