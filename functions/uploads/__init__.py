"""What people put in the bucket, turned into tasks."""
