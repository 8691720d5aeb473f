"""etcd's gRPC: carries out what a log asks of an etcd cluster. Needs the extra `roost[etcd]`."""
