"""Turns item changes into download tasks and messages to the site."""
