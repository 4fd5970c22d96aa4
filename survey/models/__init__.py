"""Columns, constraints, relationships; no rules."""

from survey.models import (
    accounts,
    approvals,
    audit,
    ballots,
    campaigns,
    instruments,
    integrity,
    jobs,
    open_channel,
    organisations,
    pressure_reports,
    results,
    sealed_boxes,
    tokens,
    voiding,
)

__all__ = [
    "accounts",
    "approvals",
    "audit",
    "ballots",
    "campaigns",
    "instruments",
    "integrity",
    "jobs",
    "open_channel",
    "organisations",
    "pressure_reports",
    "results",
    "sealed_boxes",
    "tokens",
    "voiding",
]
