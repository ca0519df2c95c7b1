"""Support for other frameworks: Django sites and Celery applications. Apart from `cli`, no room imports this one."""
