"""Fixtures and options for all tests."""

from hypothesis import HealthCheck, settings

# What a test checks does not depend on how busy the machine is.
settings.register_profile("roost", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("roost")
