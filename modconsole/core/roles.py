"""Roles people have in a service (safeguarding guide, section 2.3). A protocol names roles, never people."""

from __future__ import annotations

__all__ = ["ROLES"]

ROLES = (
    "moderator",
    "senior_moderator",
    "safeguarding_lead",
    "clinical_lead",
    "data_lead",
    "service_manager",
    "buddy",
)
