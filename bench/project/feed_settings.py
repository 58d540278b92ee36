"""The fast path with DEBUG, in which each request is a row of the feed."""

from bench.project.fastpath_settings import *  # noqa: F403

DEBUG = True
