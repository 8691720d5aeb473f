"""Running Roost: the clock, logs, metrics, and health over HTTP.

Everything here is about the process and nothing about chat: the packages above say what is to be
logged, measured or reported, and these modules say how. They are imported one by one, because
`roost --help` should not wait for a web server to load.
"""

__all__ = ["clock", "http", "logging", "metrics"]
