"""The console: the pages where people decide, ask and see. It holds no privilege and no data of its own."""
