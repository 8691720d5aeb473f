"""What of the balancer's configuration the exchange needs."""

import msgspec

from roost.balancer.engine.health import HealthConfig
from roost.balancer.engine.moves import MoveConfig
from roost.balancer.engine.pacing import PaceConfig
from roost.balancer.engine.session_values import SessionLimits
from roost.balancer.engine.strategy import StrategyConfig


class ExchangeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What of the balancer's configuration the exchange needs."""

    name: str
    cluster: str
    server_name: str
    ping_line: str
    sessions: SessionLimits
    strategy: StrategyConfig
    health: HealthConfig
    moves: MoveConfig
    pace: PaceConfig = PaceConfig()
