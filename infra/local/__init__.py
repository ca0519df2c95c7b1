"""The local AWS: start it, package and deploy the stack to it, try the tasks. Nothing here runs on AWS."""
