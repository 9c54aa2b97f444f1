"""How the Shapes model was made: `python -m demo.training.train --help`, run in the repository's root."""
