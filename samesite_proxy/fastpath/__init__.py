"""The fast path: our runserver's listening socket is the engine's."""
