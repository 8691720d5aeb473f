"""What the operators' guide says is what the program has."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from msgspec import inspect

from roost.balancer import Config as BalancerConfig
from roost.cli.configuration import keys_of
from roost.cli.flags import UpConfig
from roost.cli.options import option_of
from roost.node.config import NodeConfig

GUIDE = Path(__file__).parents[3] / "docs" / "running.md"


def _defaults(kind: type, prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        name = f"{prefix}{field.encode_name}"
        if isinstance(field.type, inspect.StructType):
            found |= _defaults(field.type.cls, f"{name}.")
        elif field.default_factory is not msgspec.NODEFAULT:
            found[name] = field.default_factory()
        else:
            found[name] = field.default
    return found


def _table(heading: str) -> str:
    return GUIDE.read_text(encoding="utf-8").partition(f"{heading}:\n\n")[2].partition("\n\n")[0]


def test_the_guide_lists_every_flag_of_roost_up_as_its_help_does() -> None:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for field in msgspec.structs.fields(UpConfig):
        option = option_of(field.type)
        if option is not None:
            text = json.dumps(field.default, default=str)
            default = "(none)" if field.default is None else f"`{text}`"
            rows.append(f"| `{field.name}` | {default} | {option.help} |")
    assert _table("The keys of `roost up`, each of which is also a flag").splitlines() == rows


@pytest.mark.parametrize(
    ("heading", "kind"), [("A node's keys", NodeConfig), ("A balancer's keys", BalancerConfig)]
)
def test_the_guide_lists_every_key_and_its_default(heading: str, kind: type) -> None:
    rows = re.findall(r"^\| `(\S+)` \| `?(.*?)`? \| .+ \|$", _table(heading), re.MULTILINE)
    assert [key for key, _ in rows] == keys_of(kind)
    defaults = _defaults(kind)
    for key, shown in rows:
        default = defaults[key]
        if default is msgspec.NODEFAULT:
            assert shown == "(required)", key
        elif default is None:
            assert shown == "(none)", key
        else:
            plain = list(default) if isinstance(default, tuple) else default
            assert json.loads(shown) == plain, key
