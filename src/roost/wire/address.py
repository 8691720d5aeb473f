"""Network addresses as people and configuration files write them: host:port, [host]:port."""


def format_address(name: object) -> str:
    """Write a socket's address for people: host:port, [host]:port for IPv6."""
    if not isinstance(name, tuple) or len(name) < 2:
        return str(name)
    host, port = name[0], name[1]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def parse_address(text: str) -> tuple[str, int]:
    """Read host:port or [host]:port.

    Raises:
        ValueError: it is neither, or the port is not from 0 to 65535.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r} is not HOST:PORT; an IPv6 host is written [HOST]:PORT")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return host, int(port)
