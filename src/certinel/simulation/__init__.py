"""A fleet of simulated devices: real TLS, real certificates, real MQTT, and a report of how it went."""
