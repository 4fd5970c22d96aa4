"""Columns, constraints, relationships; no rules."""

from survey.models import accounts, audit, ballots, campaigns, instruments, jobs, organisations, results, sealed_boxes

__all__ = [
    "accounts",
    "audit",
    "ballots",
    "campaigns",
    "instruments",
    "jobs",
    "organisations",
    "results",
    "sealed_boxes",
]
