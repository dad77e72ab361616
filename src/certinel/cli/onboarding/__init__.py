"""``certinel onboard``: from nothing to a proven, enabled CA on a platform and a device that connects."""
