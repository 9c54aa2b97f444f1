"""The one exception that reaches the person at the terminal: its text is printed as it is, without a traceback."""


class RunnerError(Exception):
    """What was tried, what happened, what to do: one or two full sentences."""
