"""`makertasks.push_to_site`: posts changes made by tasks to the site."""
