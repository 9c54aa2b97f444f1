"""What stands behind `run.py`: set-up, server, demo, tests, bench. Standard library only, and nothing of the pack.

It runs before torch or ComfyUI exist on the machine, so it may import neither; `host.Host.python` is the interpreter
that has them.
"""
