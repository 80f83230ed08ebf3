"""Where other wings still look for what ``worker_threads`` has."""

from moneyer_policy.gate.use_cases.worker_threads import Allowance

__all__ = ["Allowance"]
