"""The dashboard and the alert rules name only metrics that there are."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.cluster import Cluster

MONITORING = Path(__file__).parents[2] / "packaging" / "monitoring"
METRIC = re.compile(r"\b(roost_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)="([^"]*)"')


def expressions(name: str) -> Iterator[str]:
    text = (MONITORING / name).read_text()
    if name.endswith(".json"):
        for panel in json.loads(text)["panels"]:
            yield from (target["expr"] for target in panel["targets"])
    else:
        for group in yaml.safe_load(text)["groups"]:
            yield from (rule["expr"] for rule in group["rules"])


def metrics_of(cluster: Cluster) -> set[tuple[str, str, str]]:
    """Return what every process shows: (name, label, value), and (name, "", "")."""
    events = [json.loads(line) for line in cluster.log().splitlines() if line.startswith("{")]
    nodes = {one["process"]: one["http"] for one in events if one["event"] == "started"}
    assert len(nodes) == cluster.size
    found = set()
    for url in (cluster.http_url, *(f"http://{address}" for address in nodes.values())):
        with urllib.request.urlopen(f"{url}/metrics") as answer:
            text = answer.read().decode()
        for name, labels in re.findall(r"^(roost_\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
            found.add((name, "", ""))
            found |= {(name, label, value) for label, value in LABEL.findall(labels)}
    return found


@pytest.mark.parametrize("name", ["grafana.json", "alerts.yaml"])
def test_every_metric_is_shown_by_a_real_process(name: str, cluster: Cluster) -> None:
    known = metrics_of(cluster)
    named = [match for one in expressions(name) for match in METRIC.finditer(one)]
    assert len(named) > 10
    for match in named:
        assert (match[1], "", "") in known, match[0]
        for label, value in LABEL.findall(match[2] or ""):
            assert (match[1], label, value) in known, match[0]


def test_panels_do_not_overlap() -> None:
    places = set()
    for panel in json.loads((MONITORING / "grafana.json").read_text())["panels"]:
        at = panel["gridPos"]
        for column in range(at["x"], at["x"] + at["w"]):
            for row in range(at["y"], at["y"] + at["h"]):
                assert column < 24
                assert (column, row) not in places, panel["title"]
                places.add((column, row))
