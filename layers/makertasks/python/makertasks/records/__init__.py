"""Tasks' records: the model, the table, the state machine and every write to it."""
