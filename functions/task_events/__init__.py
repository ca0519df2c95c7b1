"""Task changes become counts."""
