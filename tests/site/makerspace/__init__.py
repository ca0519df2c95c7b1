"""A makerspace's Django site, with as much of OpenMakerSuite's models as its tasks touch."""
