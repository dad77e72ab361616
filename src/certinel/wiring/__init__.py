"""The one place that builds real objects: from settings to a running node."""
