"""A whole cluster in one thread on a virtual clock: real pure code, simulated disks and links."""
