"""What was read of clips, kept in memory."""

from collections.abc import Callable, Hashable

from mannequin.training.data.raw import RawSample


class SampleCache:
    """Raw samples that stay in the memory of the process that read them, the first that fit; they are not pickled."""

    def __init__(self, room: int):
        """room: bytes."""
        self.room, self._left = room, room
        self._samples: dict[Hashable, RawSample] = {}

    def get(self, key: Hashable, read: Callable[[], RawSample]) -> RawSample:
        """The sample called ``key``, by ``read`` where it is not kept."""
        if key in self._samples:
            return self._samples[key]
        sample = read()
        if sample.nbytes <= self._left:
            self._samples[key], self._left = sample, self._left - sample.nbytes
        return sample

    def __getstate__(self):
        return {"room": self.room}

    def __setstate__(self, state):
        self.__init__(**state)
