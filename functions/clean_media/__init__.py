"""`makertasks.clean_media`: deletes media that no item and no task refers to."""
