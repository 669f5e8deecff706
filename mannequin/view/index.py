"""What a list of clips needs to know of each, gathered in the background and kept small."""

import sys
import threading
from collections import Counter
from dataclasses import dataclass

from mannequin.generator.dataset.collection import ClipSummary, Collection, open_collection

ANY = "any"
"""The filter that lets everything through."""

STATES = ("done", "damaged", "failed")
LONGEST_PROBLEM = 500
"""Characters kept of what is wrong with a clip."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list. state: one of STATES, "" until the clip has been looked at.

    bodies: names, joined. words: what the search looks through, in lower case. problem: why it cannot be shown.
    """

    key: str
    state: str = ""
    split: str = ""
    action: str = ""
    bodies: str = ""
    people: int = 0
    words: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Query:
    """What the user looks for; ANY lets all through."""

    text: str = ""
    split: str = ANY
    action: str = ANY
    body: str = ANY
    state: str = ANY

    def matches(self, entry: Entry) -> bool:
        """Whether all words of the text occur in the entry, and each filter agrees."""
        return (
            self.split in (ANY, entry.split)
            and self.action in (ANY, entry.action)
            and (self.body == ANY or self.body in entry.bodies.split(", "))
            and self.state in (ANY, entry.state)
            and all(word in entry.words for word in self.text.lower().split())
        )


class ClipIndex:
    """The clips of a collection, those that failed among them, in order of their names.

    Names are there at once. One thread fills in the rest; :meth:`refresh` looks for clips that have come or gone.
    """

    def __init__(self, collection: Collection):
        self.collection = collection
        self._entries = {key: Entry(key, words=key.lower()) for key in collection.keys}
        self._lock = threading.Lock()
        self._due = threading.Event()
        self._closed = False
        self.done = 0
        self._due.set()
        self._thread = threading.Thread(target=self._fill, name="clip index", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_complete(self) -> bool:
        """Whether every clip has been looked at."""
        return self.done >= len(self._entries)

    def entry(self, key: str) -> Entry:
        """What is known of clip ``key``; an empty entry for one that has gone."""
        return self._entries.get(key, Entry(key))

    def search(self, query: Query) -> list[str]:
        """Keys of the clips that match, in order."""
        with self._lock:
            entries = list(self._entries.values())
        return [e.key for e in entries if query.matches(e)]

    def values(self) -> dict[str, list[str]]:
        """Filter name → the values that occur so far, in order."""
        found = {"split": Counter(), "action": Counter(), "body": Counter(), "state": Counter()}
        with self._lock:
            entries = list(self._entries.values())
        for e in entries:
            found["split"][e.split] += 1
            found["action"][e.action] += 1
            found["state"][e.state] += 1
            found["body"].update(e.bodies.split(", "))
        return {name: sorted(filter(None, counts)) for name, counts in found.items()}

    def refresh(self) -> None:
        """List the collection again; what is known of clips that are still there stays. Raises DatasetError."""
        collection = open_collection(self.collection.path)
        with self._lock:
            known, self.collection = self._entries, collection
            self._entries = {k: self._kept(known.get(k), k) for k in collection.keys}
            self.done = sum(1 for e in self._entries.values() if e.state)
        self._due.set()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._due.set()
        self._thread.join(timeout=10)

    @staticmethod
    def _kept(entry: Entry | None, key: str) -> Entry:
        """A clip that was whole stays so; any other is looked at again."""
        return entry if entry is not None and entry.state == "done" else Entry(key, words=key.lower())

    def _fill(self) -> None:
        while not self._closed:
            self._due.wait()
            self._due.clear()
            collection = self.collection
            self._add_failures(collection)
            for key in collection.keys:
                if self._closed or self.collection is not collection:
                    break
                if not self.entry(key).state:
                    self._put(collection, _entry(collection.summary(key)))

    def _add_failures(self, collection: Collection) -> None:
        for failure in collection.failures():
            key = f"{failure.clip:06d}"
            words = f"{key} {failure.name} failed {failure.error}".lower()[:LONGEST_PROBLEM]
            problem = f"{failure.error[:LONGEST_PROBLEM]} (tried {failure.attempts} times)"
            self._put(collection, Entry(key, "failed", words=words, problem=problem))
        with self._lock:
            self._entries = dict(sorted(self._entries.items()))

    def _put(self, collection: Collection, entry: Entry) -> None:
        with self._lock:
            if self.collection is collection:
                self.done += not self.entry(entry.key).state
                self._entries[entry.key] = entry


def _entry(summary: ClipSummary) -> Entry:
    bodies = ", ".join(dict.fromkeys(summary.bodies))
    tags = " ".join(str(v) for v in summary.tags.values())
    words = f"{summary.key} {summary.name} {summary.split} {summary.action} {bodies} {summary.state} {tags}".lower()
    return Entry(
        key=summary.key,
        state=summary.state,
        split=sys.intern(summary.split),
        action=sys.intern(summary.action),
        bodies=sys.intern(bodies),
        people=summary.people,
        words=words[:LONGEST_PROBLEM],
        problem=summary.problem[:LONGEST_PROBLEM],
    )
