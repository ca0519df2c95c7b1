"""One folder for each Lambda function; the installed package contains the tasks' folders as `makertasks.functions`."""
