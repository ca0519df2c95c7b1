"""Changes that tasks made, posted to the site."""
