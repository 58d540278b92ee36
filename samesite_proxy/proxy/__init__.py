"""The rules: what is decided of a request and of its answer, whichever server has it."""
