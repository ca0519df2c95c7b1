"""Pictures of items that people put under `uploads/images/{item id}/`."""
