"""`inventory.tasks.generate_index_card`: the card of one item."""
