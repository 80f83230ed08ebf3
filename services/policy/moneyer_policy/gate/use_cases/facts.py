"""Where other wings still look for what ``gate_input`` has."""

from moneyer_policy.gate.use_cases.gate_input import read_gate_input as brief
from moneyer_policy.gate.use_cases.gate_input import stop_of

__all__ = ["brief", "stop_of"]
