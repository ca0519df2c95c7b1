"""Item changes become download tasks."""
