"""The frames that the processes of a cluster exchange, and how they are cut out of a stream."""
