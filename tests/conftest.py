"""Settings and fixtures for every test."""

from hypothesis import HealthCheck, settings

# How long a generated input takes says more about the machine's other work than about the code.
settings.register_profile("certinel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("certinel")
