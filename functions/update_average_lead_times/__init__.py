"""Average lead times of supplier links, from the deliveries of the last 180 days."""
