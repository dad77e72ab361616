"""Making keys, certificates and key stores: bytes in, bytes out."""
