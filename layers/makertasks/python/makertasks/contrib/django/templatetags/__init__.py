"""Tags of the admin link."""
