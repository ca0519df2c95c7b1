"""The inventory: items, supplier links and reorder requests, and how they arrive from OpenMakerSuite."""
