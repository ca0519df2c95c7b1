"""Files that template.yaml refers to, and the commands that deploy it."""
