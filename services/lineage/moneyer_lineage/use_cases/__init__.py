"""Load, decide, save: events are taken in, leaves sequenced, checkpoints signed and carried out, records composed."""
