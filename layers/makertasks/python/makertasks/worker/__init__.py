"""Running tasks: from a delivered message to a final record, and the recovery of stuck tasks."""
