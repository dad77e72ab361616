"""Hints between the parts of the platform: something changed, look again."""
