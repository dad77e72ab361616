"""The web interface: pages made on the server, of the same use cases as REST, with a little plain JavaScript."""
