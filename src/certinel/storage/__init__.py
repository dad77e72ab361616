"""What the platform remembers: one set of statements, on SQLite or PostgreSQL."""
