"""Imports of OpenMakerSuite dumps that were put under `imports/`."""
