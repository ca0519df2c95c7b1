"""A makerspace's Django site, with the part of OpenMakerSuite's models that its tasks use."""
