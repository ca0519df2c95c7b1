"""`makertasks.attach_upload`: attaches pictures uploaded under `uploads/images/{item id}/` to their items."""
