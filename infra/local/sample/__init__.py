"""Sample inventory of a small makerspace: a dump of OpenMakerSuite (`manage.py dumpdata`) and images."""
