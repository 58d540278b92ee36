"""COMMAND: the frontend's own server, started by runserver and ended with it."""
