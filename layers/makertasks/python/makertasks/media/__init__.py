"""Pictures, QR codes and index cards, and their keys in the bucket."""
