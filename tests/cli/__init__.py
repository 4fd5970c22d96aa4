"""Tests of the console's commands."""
