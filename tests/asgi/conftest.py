"""The stages of the traffic tests, with ASGI servers."""

from tests.traffic.conftest import stage, stages

__all__ = ["stage", "stages"]
