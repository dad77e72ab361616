"""certinel: device identity for MQTT fleets; a certificate is all a device needs."""
