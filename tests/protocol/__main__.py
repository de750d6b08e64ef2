"""Prints what becomes of each variant: `python -m tests.protocol [part of a name]`."""

from __future__ import annotations

import sys
import time

from tests.protocol.explore import explore
from tests.protocol.variants import MUTANTS, SOUND_VARIANTS


def main(wanted: str = "") -> None:
    print(f"{'variant':54}{'states':>8}{'seconds':>9}  verdict")
    for variant in SOUND_VARIANTS + MUTANTS:
        if wanted in variant.name:
            started = time.monotonic()
            found = explore(variant.model)
            seconds = time.monotonic() - started
            verdict = found.fault or "nothing goes wrong"
            print(f"{variant.name:54}{found.states:8,}{seconds:9.1f}  {verdict}", flush=True)
            for number, step in enumerate(found.trace, start=1):
                print(f"{number:8}. {step}")


if __name__ == "__main__":
    main(*sys.argv[1:])
