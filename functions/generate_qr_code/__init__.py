"""`inventory.tasks.generate_qr_code`: draws an item's QR code as PNG."""
