"""What can keep the runner from starting, said so that a person knows what to do."""


class CannotStart(Exception):
    """The message is the whole story; no traceback is shown."""
