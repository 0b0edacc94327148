"""Reads okr_predictions as another team would, and keeps when each prediction became readable."""

import threading
import time

import orjson
from confluent_kafka import Consumer, TopicPartition

from okr_common.topics import PREDICTIONS


class Watch:
    """Predictions made at check-ins from now on: when each became readable (seconds, monotonic)."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"bench-{time.time()}",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
                "fetch.queue.backoff.ms": 5,
            }
        )
        parts = [TopicPartition(PREDICTIONS.name, number) for number in range(PREDICTIONS.partitions)]
        for part in parts:
            part.offset = self._consumer.get_watermark_offsets(part, timeout=10)[1]
        self._consumer.assign(parts)
        self.readable: dict[str, float] = {}
        self.versions: dict[int, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            messages = self._consumer.consume(1, 0.1)
            messages += self._consumer.consume(5_000, 0) if messages else []
            now = time.monotonic()
            for message in messages:
                self._note(orjson.loads(message.value()), now)
        self._consumer.close()

    def _note(self, prediction: dict[str, object], now: float) -> None:
        if prediction["check_in_id"] is not None:
            self.readable.setdefault(f"{prediction['check_in_id']}@{prediction['check_in_revision']}", now)
            version = int(str(prediction["model_version"]))
            self.versions[version] = self.versions.get(version, 0) + 1

    def wait(self, count: int, seconds: float) -> float:
        """When the last of so many became readable. Raises TimeoutError, saying how many there are."""
        deadline = time.monotonic() + seconds
        while len(self.readable) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.readable)} of {count} predictions within {seconds:.0f} s")
            time.sleep(0.005)
        return max(self.readable.values())

    def close(self) -> None:
        """Stops reading."""
        self._stop.set()
        self._thread.join()
