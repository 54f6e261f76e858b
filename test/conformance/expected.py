"""The list of cases that Ingot refuses, with a reason each.

A case is in the list only while Ingot refuses it with a code: one that passes
must leave, and one with a wrong answer, a crash or a hang is a defect and
cannot be listed.
"""

import pathlib

PATH = pathlib.Path(__file__).with_name("expected-failures.txt")


def load(path=PATH):
    """{case name: reason}"""
    reasons = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, reason = line.partition(" ")
        if not reason.strip():
            raise ValueError(f"{path.name}:{number}: {name} has no reason")
        if name in reasons:
            raise ValueError(f"{path.name}:{number}: {name} is listed twice")
        reasons[name] = reason.strip()
    return reasons


def remove(names, path=PATH):
    """Takes lines out; nothing puts lines in."""
    kept = [
        line
        for line in path.read_text().splitlines()
        if line.partition(" ")[0] not in names
    ]
    path.write_text("\n".join(kept) + "\n")
