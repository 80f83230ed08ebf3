"""Policy: charters, committee, budgets, the gate, permits and releases."""
