"""What was tried on the way, and no command needs: benchmarks, studies and tests use it."""
