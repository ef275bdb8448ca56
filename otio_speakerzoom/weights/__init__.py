"""Trained weights: the catalogue, finding and downloading files, and loading them into networks."""

import os

# torch computes on the threads of OpenMP, which by default wait for each other in a loop that keeps
# a core busy. The decoder's threads need these cores: scoring two faces in 1080p25 took twice the
# CPU time and two to three times as long. The results are the same. OpenMP reads this when torch is
# loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
