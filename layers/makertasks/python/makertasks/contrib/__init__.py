"""Other frameworks: Django sites and Celery applications. Nothing else in the package imports this room."""
