"""`makertasks.clean_media`: removes media that nothing refers to."""
