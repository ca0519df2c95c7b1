"""What template.yaml refers to, and what deploys it."""
