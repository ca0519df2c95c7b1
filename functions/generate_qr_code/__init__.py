"""`inventory.tasks.generate_qr_code`: an item's QR code as PNG."""
