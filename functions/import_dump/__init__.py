"""`makertasks.import_dump`: imports OpenMakerSuite dumps uploaded under `imports/`."""
