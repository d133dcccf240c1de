"""Telling the operator: counts of what happened, and alerts that go out once.

To read in this order: tally; alarm, post, address, courier.
"""
