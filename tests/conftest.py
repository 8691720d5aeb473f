"""Fixtures and options for all tests."""

import pytest
from hypothesis import HealthCheck, settings

# What a test checks does not depend on how busy the machine is.
settings.register_profile("roost", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("roost")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that start real clusters one by one, on one worker."""
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("cluster"))
