"""What is counted while serving, in the Prometheus format."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 4.5, 10, 15)


class Metrics:
    """One registry for one running Usher, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._messages = Counter(
            "usher_messages", "Messages by channel and outcome", ["channel", "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "usher_reply_seconds", "Seconds from a message to its committed reply", ["channel"],
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._reloads = Counter(
            "usher_content_reloads", "Changes of the content files by outcome", ["outcome"], registry=self.registry
        )
        self._faults = Gauge(
            "usher_content_faults",
            "Faults of the content files as they are; 0: they are served",
            registry=self.registry,
        )
        self._registrations = Gauge(
            "usher_registrations", "Registrations by status", ["status"], registry=self.registry
        )

        self._deliveries = Gauge("usher_deliveries", "Deliveries by status", ["status"], registry=self.registry)

    def measure(self, channel: str, outcome: str, seconds: float) -> None:
        """Counts one message and the seconds it took."""
        self._messages.labels(channel, outcome).inc()
        self._seconds.labels(channel).observe(seconds)

    def reloaded(self, outcome: str, faults: int) -> None:
        """Counts one change of the content files: taken, refused, failed or unchanged; and the faults they have."""
        self._reloads.labels(outcome).inc()
        self._faults.set(faults)

    def page(self, registrations: dict[str, int], deliveries: dict[str, int]) -> bytes:
        """The page that is scraped."""
        for status, count in deliveries.items():
            self._deliveries.labels(status).set(count)
        for status, count in registrations.items():
            self._registrations.labels(status).set(count)
        return generate_latest(self.registry)
