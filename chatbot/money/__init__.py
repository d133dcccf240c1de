"""Money: what a call costs, and that no more is spent than may be.

To read in this order: prices, rates; switches, budgets, fit; hold, charge, statements, ledger, account; quota, usage,
vigil, price_list.
"""
