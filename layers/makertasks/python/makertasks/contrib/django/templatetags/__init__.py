"""Template tags for links to the dashboard."""
