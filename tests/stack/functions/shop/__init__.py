"""An ordinary Celery application, which the tests run on Lambda as it is."""
