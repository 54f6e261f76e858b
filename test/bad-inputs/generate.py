"""Writes the files of all groups and what is expected of each.

usage: generate.py FOLDER [GROUP ...]        groups: A B C D
"""

import pathlib
import sys

from bad_bytes import GROUP_A
from bad_external import GROUP_B
from bad_graphs import GROUP_C
from bad_tensors import GROUP_D
from cases import write_all

GROUPS = {"A": GROUP_A, "B": GROUP_B, "C": GROUP_C, "D": GROUP_D}

if __name__ == "__main__":
    if len(sys.argv) < 2 or set(sys.argv[2:]) - set(GROUPS):
        sys.exit(__doc__)
    chosen = [GROUPS[name] for name in sys.argv[2:] or GROUPS]
    write_all(chosen, pathlib.Path(sys.argv[1]))
