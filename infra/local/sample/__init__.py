"""Sample inventory of a small makerspace: a `manage.py dumpdata` of OpenMakerSuite, and images for it."""
