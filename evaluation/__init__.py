"""What the pack costs and what it brings, measured: `python run.py bench`."""
