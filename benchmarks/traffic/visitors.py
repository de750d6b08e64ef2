"""The generator's process, as those who measure start, follow and end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.traffic.order import Order, Samples


class Visitors:
    """Visitors who are coming. Those who are not `awaited` go with the `with`."""

    def __init__(self, process: subprocess.Popen[bytes], samples: Path) -> None:
        self._process = process
        self._samples = samples

    @property
    def are_there(self) -> bool:
        return self._process.poll() is None

    def tick(self) -> bool:
        """Wait for the next tick; false: there will be none."""
        assert self._process.stdout
        return bool(os.read(self._process.stdout.fileno(), 1))

    def awaited(self) -> Samples:
        """What all of them have met, once the last has been answered.

        Raises:
            RuntimeError: the generator has failed.
        """
        if self._process.wait():
            raise RuntimeError(f"the generator ended with {self._process.returncode}")
        return msgspec.msgpack.decode(self._samples.read_bytes(), type=Samples)

    def end(self) -> None:
        """Nobody comes from now on."""
        self._process.send_signal(signal.SIGTERM)


@contextmanager
def visitors(order: Order, addresses: Iterable[str]) -> Iterator[Visitors]:
    """Visitors who ask for these addresses, in their order."""
    with tempfile.TemporaryDirectory(prefix="listings-visitors-") as folder:
        listed, samples = Path(folder, "addresses"), Path(folder, "samples")
        listed.write_text("\n".join(addresses))
        text = msgspec.json.encode(order).decode()
        argv = [
            sys.executable,
            "-m",
            "benchmarks.traffic.generator",
            text,
            str(listed),
            str(samples),
        ]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            try:
                yield Visitors(process, samples)
            finally:
                process.kill()


def met(order: Order, addresses: Iterable[str]) -> Samples:
    """What visitors of these addresses have met."""
    with visitors(order, addresses) as crowd:
        return crowd.awaited()
