"""Settings and fixtures for every test."""

import pytest
from hypothesis import HealthCheck, settings

# What it sees and what it expects is shown where they differ, as in a test.
pytest.register_assert_rewrite("support.onlooker")

# How long a generated input takes says more about the machine's other work than about the code.
settings.register_profile("certinel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("certinel")
