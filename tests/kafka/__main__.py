"""``python -m tests.kafka``: runs the broker of the tests until it is interrupted.

For trying things out where there is no Docker: the same single node, on loopback, its data in a
temporary folder.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.kafka import jars
from tests.kafka.cluster import KafkaCluster


def main() -> None:
    """Start a broker, say where, wait for SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.kafka", description=__doc__)
    parser.add_argument("--port", type=int, default=9092, help="default: %(default)s")
    port: int = parser.parse_args().port
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with tempfile.TemporaryDirectory() as folder:
        cluster = KafkaCluster(jars.classpath(), Path(folder) / "kafka", port=port)
        with cluster:
            sys.stdout.write(f"Apache Kafka {jars.kafka_version()} at {cluster.bootstrap}\n")
            sys.stdout.flush()
            signal.sigwait(signals)


if __name__ == "__main__":
    main()
