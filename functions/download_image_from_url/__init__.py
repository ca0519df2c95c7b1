"""Downloads the picture at an item's image_url."""
