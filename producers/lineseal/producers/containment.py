"""May this run read that? Asks the signed containment list in the home; never a network.

The list is verified once and again when its file or the keyring changed, so a check costs two
looks at the file system. What a list that is missing, old or not genuine means: ADR-0030.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lineseal.schemas.errors import ContainmentUnknown, LinesealError
from lineseal.schemas.ids import now_us
from lineseal.schemas.model import Artifact
from lineseal.settings import Home, Settings
from lineseal.signing.containment import Contained, ContainmentList, read_containment_list
from lineseal.signing.keyring_file import load_keyring
from lineseal.transport.embedded.voice import LOGGER

REFUSE, WARN = "refuse", "warn"
_HOUR = 3_600_000_000

Seen = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Say who reads: the stage of the run and the producer."""

    stage: str | None
    producer: str


class Containment:
    """Knows what must not be read, as far as the newest list says. Safe between threads."""

    def __init__(self, home: Home, settings: Settings, clock: Callable[[], int] = now_us) -> None:
        """Check with the list in *home*; *clock* gives microseconds UTC."""
        self.action = settings.emitter.on_contained
        self._home = home
        self._settings = settings
        self._clock = clock
        self._seen: Seen | None = None
        self._list: ContainmentList | None = None
        self._problem: str | None = None
        self._version = -1
        self._said: set[str] = set()

    def find(
        self, artifacts: Iterable[Artifact], reader: Reader, *, measured: bool
    ) -> list[tuple[Artifact, Contained]]:
        """Return what must not be read, with an order that says so.

        Args:
            artifacts: What is to be read.
            reader: Who reads it.
            measured: Whether bytes were hashed; before, what only they can tell is left open.

        Raises:
            ContainmentUnknown: The list is required, and is missing, old or not genuine.

        """
        known = self._current()
        if known is None or not known.contained:
            return []
        found: list[tuple[Artifact, Contained]] = []
        for artifact in artifacts:
            for each in known.contained:
                if _means(each, artifact, reader, measured=measured):
                    found.append((artifact, each))
                    break
        return found

    def _current(self) -> ContainmentList | None:
        seen = (_look(self._home.containment), _look(self._home.keyring))
        if self._seen is None or seen != self._seen:
            self._seen, self._problem = seen, None
            self._load(exists=seen[0] is not None)
        self._judge_age()
        return self._list

    def _load(self, *, exists: bool) -> None:
        if not exists:
            # What was in force in this process stays in force: a list is never taken back so.
            self._problem = f"there is no containment list at {self._home.containment}"
            return
        deployment = self._settings.deployment
        try:
            keyring = load_keyring(
                self._home.keyring, roots=deployment.roots, threshold=deployment.threshold
            )
            found = read_containment_list(
                self._home.containment.read_bytes(),
                keyring,
                deployment=deployment.name,
                now=self._clock(),
            )
        except (LinesealError, OSError) as error:
            self._problem = f"the containment list cannot be used: {error}"
            self._warn(self._problem)
            return
        if found.version < self._version:
            self._problem = "the containment list is older than one that was used before"
            self._warn(self._problem)
            return
        self._list, self._version = found, found.version

    def _judge_age(self) -> None:
        emitter = self._settings.emitter
        problem = self._problem
        if problem is None and self._list is not None:
            age = self._clock() - self._list.at
            if age > emitter.containment_hours * _HOUR:
                problem = (
                    f"the containment list is {age // _HOUR} hours old, more than "
                    f"{emitter.containment_hours} ([emitter] containment_hours)"
                )
                self._warn("a containment list is old: what was ordered since is not in it")
        if problem is not None and emitter.require_containment_list:
            raise ContainmentUnknown(
                f"{problem}, and [emitter] require_containment_list is set; run 'lineseal "
                "materialise', or 'lineseal containment install FILE'"
            )

    def _warn(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            LOGGER.warning("%s", text)


def sentence(artifact: Artifact, each: Contained) -> str:
    """Return why *artifact* must not be read."""
    words = {"quarantine": "in quarantine", "freeze": "frozen", "hold": "held"}
    tail = artifact.version or artifact.digest
    name = f"{artifact.kind}:{artifact.namespace}/{artifact.name}" + (f"@{tail}" if tail else "")
    what = "" if name == each.reference else f"{each.reference} is "
    word = words.get(each.action, each.action)
    return f"{name} must not be read: {what}{word} by {each.ordered_by}: {each.reason}"


def _means(each: Contained, artifact: Artifact, reader: Reader, *, measured: bool) -> bool:
    if each.type == "stage":
        return each.name is not None and each.name == reader.stage
    if each.type == "producer":
        return each.name == reader.producer
    return any(_same(one, artifact, measured=measured) for one in each.artifacts)


def _same(contained: Artifact, read: Artifact, *, measured: bool) -> bool:
    """Tell whether what is read is, or may be, what is contained.

    The same bytes are the same thing under any name. A read that names no version may be of the
    contained one unless its bytes say otherwise.
    """
    if contained.digest is not None and contained.digest == read.digest:
        return True
    names = (contained.kind, contained.namespace, contained.name)
    if names != (read.kind, read.namespace, read.name):
        return False
    if contained.version is None and contained.digest is None:
        return True
    if contained.version is not None and contained.version == read.version:
        # Other bytes under a contained version are no reason to trust them, unless the order
        # was about exactly one of its contents.
        return None in (contained.digest, read.digest)
    if read.version is not None or (contained.digest is not None and read.digest is not None):
        return False
    return measured


def _look(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    # Both files are replaced by renaming, so a new one has a new inode.
    return status.st_ino, status.st_size, status.st_mtime_ns
