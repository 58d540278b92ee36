"""Forwarding on a WSGI server's thread."""
