"""Making keys, certificates and key stores: values in, values and bytes out.

Nothing here decides whether somebody is trusted, touches a file, or reads the clock.
"""
