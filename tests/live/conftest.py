"""Servers live as long as the test session, as for the traffic's tests."""

from tests.traffic.conftest import stage, stages

__all__ = ["stage", "stages"]
