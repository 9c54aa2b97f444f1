"""Prompt Understanding: python run.py setup | demo | serve | test | bench."""

import sys

if sys.version_info[:2] < (3, 10):  # noqa: UP036
    # Read by Pythons too old for the rest of the code: no f-strings here.
    sys.exit("run.py needs Python 3.10 to 3.13; this one is %d.%d. Try: python3.12 run.py" % sys.version_info[:2])  # noqa: UP031

from runner.cli import main

if __name__ == "__main__":
    sys.exit(main())
