"""Links between neighbours over real sockets, with recorders in the engine's place."""
