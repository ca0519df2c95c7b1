"""The periodic sweep: recovers lost tasks and maintains the counters."""
