"""Benchmarks: Roost beside the servers that people would use instead. Run with `make bench`."""
