"""The rules of device identity: pure, without I/O, clock or logging."""
