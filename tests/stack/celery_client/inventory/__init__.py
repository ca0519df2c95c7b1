"""A part of OpenMakerSuite's Django app of this name: as much as its inventory's changes need."""
