"""`inventory.tasks.update_average_lead_times`: measures suppliers' lead times from the last 180 days' deliveries."""
