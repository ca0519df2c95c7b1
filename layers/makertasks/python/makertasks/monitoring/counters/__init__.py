"""How many tasks of each kind ended how, by hour and by day."""
