"""How Small World was made: `art` draws the cut-outs, `train` does the rest in nine minutes of one large GPU."""
