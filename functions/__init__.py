"""One folder for each Lambda function; where the package is installed, those of tasks are `makertasks.functions`."""
