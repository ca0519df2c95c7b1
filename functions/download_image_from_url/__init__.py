"""`inventory.tasks.download_image_from_url`: downloads the picture at an item's image_url."""
