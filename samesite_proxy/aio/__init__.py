"""Forwarding in an event loop."""
