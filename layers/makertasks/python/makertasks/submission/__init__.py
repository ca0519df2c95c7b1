"""Ways in: a checked task becomes a PENDING record and a message."""
