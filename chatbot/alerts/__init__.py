"""Telling the operator: counts of what happened, and alerts that go out once."""
