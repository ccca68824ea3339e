"""Replaying transcript sets, to see whether a change helped."""
