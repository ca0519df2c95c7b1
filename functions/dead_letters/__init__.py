"""Dead messages become FAILURE records."""
