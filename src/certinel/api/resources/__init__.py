"""One module per noun: its shapes and its routes. What a route does is one call of a service."""
