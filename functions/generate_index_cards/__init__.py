"""`inventory.tasks.generate_index_cards`: sheets of many cards."""
