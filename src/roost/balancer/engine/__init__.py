"""The part of a balancer that decides: pure, without sockets and clocks."""
