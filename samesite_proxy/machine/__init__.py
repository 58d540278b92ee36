"""Who listens on this machine."""
