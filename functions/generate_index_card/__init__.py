"""`inventory.tasks.generate_index_card`: draws the index card of one item."""
