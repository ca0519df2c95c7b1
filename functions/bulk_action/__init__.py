"""`makertasks.bulk_action`: applies one action to many tasks."""
