"""Running tasks: from a delivered message to a final record, and the repair of what got stuck."""
