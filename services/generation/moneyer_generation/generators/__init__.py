"""The engines behind one small protocol: a table in, a fitted model out, a table from the model."""
