"""Running a process: the clock, files, logs, metrics, and health over HTTP.

Nothing here is about chat: the packages above decide what to log, measure or report, and these
modules know how. Import them one by one, so that `roost --help` does not load a web server.
"""
