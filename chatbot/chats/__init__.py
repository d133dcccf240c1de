"""Conversations, the turn, and the live reply that listeners share."""
