"""The local AWS: starts it, deploys the stack to it and tries the tasks. None of this runs on AWS."""
