"""Posts changes made by tasks to the site."""
