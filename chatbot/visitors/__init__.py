"""Who is asking, and how much of the service they may take.

To read in this order: who; limits, counters, standing, gate; blocks, conduct; access.
"""
