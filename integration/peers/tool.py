"""Runs one of Pyro's own programs: tool.py [--once] PROGRAM [ARGUMENT...].

It ends when stdin does, unless it is to run just --once to its own end.
"""

import importlib.metadata
import sys

import common


def main():
    once = sys.argv[1] == "--once"
    if once:
        del sys.argv[1]
    program = sys.argv[1]
    for point in importlib.metadata.distribution(program.split("-")[0].title()).entry_points:
        if point.name == program:
            if not once:
                common.exit_with_stdin()
            del sys.argv[1]
            return point.load()()
    raise SystemExit("no such program: " + program)


if __name__ == "__main__":
    sys.exit(main())
