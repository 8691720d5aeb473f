"""The second engine of the log: an etcd cluster. Nodes have no votes, and come and go freely."""
