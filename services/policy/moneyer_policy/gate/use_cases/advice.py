"""Where other wings still look for what ``gate_input`` has."""

from moneyer_policy.gate.use_cases.gate_input import balances_of

__all__ = ["balances_of"]
