"""The part of OpenMakerSuite's Django app `inventory` that the tests of inventory changes need."""
