"""The Shapes model: a small text-to-image diffusion model of our own that shows the real failures. See README.md."""
