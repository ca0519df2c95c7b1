"""A task of the tests' own."""
