"""Pictures, QR codes and index cards, and where they are kept."""
