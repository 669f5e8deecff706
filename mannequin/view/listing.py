"""The list of clips in one browser: search, filters and pages."""

import html
from collections.abc import Callable

import viser

from mannequin.view.index import ANY, STATES, ClipIndex, Entry, Query

PAGE = 12
COLOURS = {"damaged": "red", "failed": "orange"}
PLAIN, CHOSEN = "gray", "blue"


class ClipList:
    """Buttons, a page of them. on_choose: called with the key of a clip; on_change: after any other input.

    Everything but the callbacks is called from one thread, that of the session.
    """

    def __init__(
        self, gui: viser.GuiApi, index: ClipIndex, on_choose: Callable, on_change: Callable, on_refresh: Callable
    ):
        self.index, self.chosen, self.page = index, "", 0
        self._shown = None
        self._found: list[str] = []
        self._keys: list[str] = []
        self._text = gui.add_text("search", "", hint="Words of the name, action, body or tags")
        with gui.add_folder("filters", expand_by_default=False):
            offered = {"split": (ANY,), "action": (ANY,), "body": (ANY,), "state": (ANY, *STATES)}
            self._filters: dict[str, viser.GuiDropdownHandle[str]] = {
                name: gui.add_dropdown(name, values, initial_value=ANY) for name, values in offered.items()
            }
        self._status = gui.add_html("")
        self._buttons = [gui.add_button(" ", color=PLAIN, visible=False) for _ in range(PAGE)]
        self._pager = gui.add_button_group("page", ("first", "previous", "next", "last"))
        self._refresh = gui.add_button("look for new clips", color=PLAIN, icon=viser.Icon.REFRESH)
        for handle in (self._text, *self._filters.values()):
            handle.on_update(lambda _: on_change(self._restart))
        for i, button in enumerate(self._buttons):
            button.on_click(lambda _, i=i: on_change(lambda: self._choose(i, on_choose)))
        self._pager.on_click(lambda event: on_change(lambda way=event.target.value: self._turn(way)))
        self._refresh.on_click(lambda _: on_refresh())

    def query(self) -> Query:
        """What the inputs ask for."""
        return Query(self._text.value, **{name: handle.value for name, handle in self._filters.items()})

    def choose(self, key: str) -> None:
        """Mark clip ``key`` as the one that is open, and turn to its page."""
        self.chosen = key
        self._search()
        if key in self._found:
            self.page = self._found.index(key) // PAGE
        self.draw()

    def neighbour(self, step: int) -> str | None:
        """The key ``step`` further among those found; None at the ends."""
        self._search()
        at = self._found.index(self.chosen) + step if self.chosen in self._found else 0
        return self._found[at] if 0 <= at < len(self._found) else None

    def draw(self) -> None:
        """Bring the browser up to date; sends only what has changed."""
        self._search()
        self._offer_values()
        pages = max(1, -(-len(self._found) // PAGE))
        self.page = min(max(self.page, 0), pages - 1)
        self._keys = self._found[self.page * PAGE : (self.page + 1) * PAGE]
        for i, button in enumerate(self._buttons):
            self._draw_button(button, self._keys[i] if i < len(self._keys) else None)
        _assign(self._pager, "visible", pages > 1)
        _assign(self._status, "content", self._status_html(pages))

    def _search(self) -> None:
        """Search again, unless nothing can have changed."""
        state = self.query(), self.index.done, len(self.index), id(self.index.collection)
        if state != self._shown:
            self._found, self._shown = self.index.search(state[0]), state

    def _restart(self) -> None:
        self.page = 0

    def _turn(self, way: str) -> None:
        self.page = {"first": 0, "previous": self.page - 1, "next": self.page + 1, "last": len(self._found)}[way]

    def _choose(self, i: int, on_choose: Callable) -> None:
        if i < len(self._keys):
            on_choose(self._keys[i])

    def _offer_values(self) -> None:
        values = self.index.values()
        for name in ("split", "action", "body"):
            options = tuple(dict.fromkeys((ANY, *values[name], self._filters[name].value)))
            if self._filters[name].options != options:
                self._filters[name].options = options

    def _draw_button(self, button, key: str | None) -> None:
        _assign(button, "visible", key is not None)
        if key is not None:
            entry = self.index.entry(key)
            _assign(button, "label", label(entry))
            _assign(button, "color", CHOSEN if key == self.chosen else COLOURS.get(entry.state, PLAIN))

    def _status_html(self, pages: int) -> str:
        total, done = len(self.index), self.index.done
        lines = [
            f"{len(self._found):,} of {total:,} clips" + (f", page {self.page + 1:,} of {pages:,}" if pages > 1 else "")
        ]
        if done < total:
            lines.append(f"indexed {done:,} of {total:,}")
        return f"<div style='padding:.2em .75em;font-size:.8em;opacity:.8'>{html.escape('; '.join(lines))}</div>"


def label(entry: Entry) -> str:
    """What stands on the button of a clip."""
    about = entry.state if entry.state in COLOURS else entry.action
    people = f"{entry.people} people" if entry.people > 1 else ""
    return " · ".join(filter(None, (entry.key.rsplit("/", 1)[-1], about, people)))


def _assign(handle, name: str, value) -> None:
    if getattr(handle, name) != value:
        setattr(handle, name, value)
