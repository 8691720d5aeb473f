"""One member of the cluster: a pure engine, and asyncio around it.

`engine` decides; `driver` turns it once per turn of the event loop; `links` and `trunks` carry its
frames, `store` its writes; `node` puts all of it together.
"""

from roost.node.config import NodeConfig
from roost.node.errors import FailedError, NodeError, StartError
from roost.node.node import Node

__all__ = ["FailedError", "Node", "NodeConfig", "NodeError", "StartError"]
