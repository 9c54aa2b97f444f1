"""Runs ComfyUI's main.py so that it ends when whoever started it is gone. Started by `server.py`, by path.

The starter holds the other end of standard input and never writes to it; the operating system closes it when the
starter dies, however it dies and on every platform.
"""

import _thread
import os
import runpy
import signal
import sys
import threading
import time

GRACE = 5.0
"""Seconds for ComfyUI to take its temporary files away."""


def _end_with_parent() -> None:
    # os.read and not sys.stdin: a buffered reader blocked in another thread upsets the interpreter's own exit.
    while os.read(0, 1024):
        pass
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        os.kill(os.getpid(), signal.SIGINT)  # Unlike interrupt_main it also wakes a waiting event loop.
    time.sleep(GRACE)
    os._exit(1)


if __name__ == "__main__":
    # A shell's background jobs ignore this signal, and what they start inherits that; then nothing could be tidied up.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main = os.path.abspath(sys.argv[1])
    sys.argv = [main, *sys.argv[2:]]
    sys.path[0] = os.path.dirname(main)
    runpy.run_path(main, run_name="__main__")
