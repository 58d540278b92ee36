"""Accounts: logging in and out with Django's own views, under /dj/."""
