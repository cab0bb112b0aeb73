"""Ops: one mathematical operation each, lowered to what the platform runs fast."""
