"""Steps from one schema to the next, numbered, never changed after a release."""
