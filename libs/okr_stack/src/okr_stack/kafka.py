"""A real Apache Kafka: one KRaft node, made small, as a child process."""

import base64
import hashlib
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from okr_common.kafka.probe import BrokerProbe
from okr_stack import jars, java
from okr_stack.errors import StackError
from okr_stack.ports import HOST
from okr_stack.processes import Launch, run_tool
from okr_stack.state import State

FLAGS = (
    "-Xms256m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # the optimizing compiler brings nothing at this size
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
)

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    # one node: it can copy nothing anywhere
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # small, and quick to start
    "num.network.threads": "1",
    "num.io.threads": "2",
    "log.cleaner.dedupe.buffer.size": "2097152",
    "log.segment.delete.delay.ms": "1000",
    "group.initial.rebalance.delay.ms": "0",
    "log.index.size.max.bytes": "1048576",  # enough for 512 MB of a partition; a tenth as much to map for each new one
    "metadata.max.idle.interval.ms": "0",  # it writes twice a second that nothing happened, for followers
    # a topic nobody declared is a mistake
    "auto.create.topics.enable": "false",
    # after kill -9 the new process waits for the old one's session: 5.7 s instead of 13 s
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # with the new protocol the broker decides when a silent consumer has lost its partitions
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.heartbeat.interval.ms": "2000",
    "group.consumer.min.heartbeat.interval.ms": "2000",
}


class Kafka:
    """The broker."""

    name = "kafka"
    start_seconds = 60.0
    stop_seconds = 20.0  # an orderly stop takes under a second, or five where it also writes the class archive

    def __init__(self, state: State, port: int, controller_port: int) -> None:
        self.port = port
        self._controller_port = controller_port
        self._state = state
        self._archive = _Archive(state)
        self._probe = BrokerProbe(self.bootstrap)

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{HOST}:{self.port}"

    async def prepare(self) -> Launch:
        """Take the jars, write the settings, format the data folder if it is new."""
        program = java.find()
        classpath = os.pathsep.join(str(jar) for jar in await jars.resolve(self._state.name))
        self._state.kafka.mkdir(exist_ok=True)
        if not self._data.is_dir():
            await self._format([program, *FLAGS, "-cp", classpath])
        settings = self._write_settings("server.properties", self._data)
        logging = f"-Dlog4j2.configurationFile={jars.recipe() / 'log4j2.properties'}"
        flags = [*FLAGS, logging, self._archive.flag(program)]
        return Launch(
            argv=[program, *flags, "-cp", classpath, "kafka.Kafka", str(settings)],
            log=self._state.logs / "kafka.log",
            cwd=self._state.kafka,
        )

    async def ready(self) -> bool:
        """The broker describes its cluster."""
        return await self._probe.answers()

    async def ended(self, code: int) -> None:
        """Keep the class archive of an orderly end."""
        self._archive.keep_if_whole(code)

    @property
    def _data(self) -> Path:
        return self._state.kafka / "data"

    def _write_settings(self, name: str, data: Path) -> Path:
        file = self._state.kafka / name
        settings = {**SETTINGS, **self._addresses(), "log.dirs": str(data)}
        file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        return file

    def _addresses(self) -> dict[str, str]:
        controller = f"{HOST}:{self._controller_port}"
        return {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.bootstrap.servers": controller,
        }

    async def _format(self, program: Sequence[str]) -> None:
        """Format beside the place and move there when done: a crash leaves no half-formatted folder."""
        fresh = self._state.kafka / f"data-{uuid.uuid4().hex[:8]}"
        settings = self._write_settings("format.properties", fresh)
        tool = [*program, "kafka.tools.StorageTool", "format", "--standalone", "-c", str(settings)]
        code, said = await run_tool([*tool, "-t", cluster_id()], self._state.name)
        if code != 0:
            raise StackError(f"Kafka could not format {fresh}: {said[-500:]}")
        fresh.rename(self._data)


def cluster_id() -> str:
    """A new cluster's id: a uuid as Kafka writes it, never with a dash first: its tool takes that for an option."""
    drawn = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return cluster_id() if drawn.startswith("-") else drawn


class _Archive:
    """The JVM's class archive (AppCDS): halves the broker's start. The first orderly stop writes it, in 3 s more."""

    ORDERLY = (0, 143)

    def __init__(self, state: State) -> None:
        self._draft = state.kafka / "classes.jsa"
        self._file: Path | None = None

    def flag(self, program: str) -> str:
        """Use the archive of these jars and this Java, or have it written at the end of this run."""
        build = hashlib.sha256("".join([java.version_text(program), *FLAGS]).encode()).hexdigest()[:12]
        self._file = jars.folder() / f"java-{build}.jsa"
        if self._file.is_file():
            return f"-XX:SharedArchiveFile={self._file}"
        self._draft.unlink(missing_ok=True)
        return f"-XX:ArchiveClassesAtExit={self._draft}"

    def keep_if_whole(self, code: int) -> None:
        """Publish what an orderly end wrote; forget what a killed process left."""
        if self._file and code in self.ORDERLY and self._draft.is_file() and os.access(self._file.parent, os.W_OK):
            beside = self._file.with_suffix(f".{os.getpid()}")
            shutil.copyfile(self._draft, beside)
            beside.replace(self._file)
        self._draft.unlink(missing_ok=True)
