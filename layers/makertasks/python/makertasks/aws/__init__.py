"""Everything that talks to AWS: sessions, the bucket, queues and DynamoDB. No other room imports boto3 or PynamoDB."""
