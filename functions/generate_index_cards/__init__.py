"""`inventory.tasks.generate_index_cards`: draws sheets of many cards or labels."""
