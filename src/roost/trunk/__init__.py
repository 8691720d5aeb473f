"""The frames between node and balancer; pure data and its encoding, see `roost.trunk.frames`."""
