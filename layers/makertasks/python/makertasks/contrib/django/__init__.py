"""For a running OpenMakerSuite: its inventory reaches makertasks as it changes."""
