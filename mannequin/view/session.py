"""One browser's view of the collection: its own clip, frame, pictures and scene.

viser calls back in threads of its own; all that these do is leave tasks for the session's one thread,
which alone reads files and decides what is shown. It shows the newest wish, and waits until a frame
has arrived before it sends the next one: over a slow line frames are passed over, and none queue up.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import viser

from mannequin.generator.colours import Style
from mannequin.generator.errors import MannequinError
from mannequin.view.about import description_html, facts_html, message_html
from mannequin.view.clip_images import ClipImages, ImageOptions
from mannequin.view.controls import BACK, FIRST, IMAGES, LAST, ON_STEP, PAUSE, PLAY, Actions, Controls
from mannequin.view.image_planes import ImagePlanes
from mannequin.view.index import ClipIndex
from mannequin.view.listing import ClipList
from mannequin.view.pixels import read_pixel, readings_html
from mannequin.view.playback import Playback
from mannequin.view.seen import people_html

if TYPE_CHECKING:
    from mannequin.view.scene3d import Scene3D

AT_REST = 0.35
"""Seconds without change after which pictures are sent again enlarged."""

STRAIGHTEN = 0.5
"""Seconds after which pictures that were turned by a drag face the user again."""

LIST_EVERY = 1.0
"""Seconds between looks at how far the list of clips has come."""

PATIENCE = 10.0
"""Seconds to wait for a sign of the browser before it is asked again."""

MOST_TASKS = 1000
"""Tasks that wait for the session's thread at most; nobody clicks as fast."""

LIST_WIDTH, CONTROLS_WIDTH = 230, 330
Key = Literal["space", "arrowleft", "arrowright", "arrowup", "arrowdown", "home", "end"]
KEYS: dict[Key, str] = {"space": PLAY, "arrowleft": BACK, "arrowright": ON_STEP, "home": FIRST, "end": LAST}


class Session:
    """What one connected browser sees; ends when it leaves or :meth:`close` is called."""

    def __init__(self, client: viser.ClientHandle, index: ClipIndex, palette: str, key: str):
        self.client, self.index = client, index
        self.t, self.key = 0, key
        self.pixel: tuple[int, int] | None = None
        self.images: ClipImages | None = None
        self._palette = palette
        self._scene3d: Scene3D | None = None
        self._tasks: queue.SimpleQueue[Callable | None] = queue.SimpleQueue()
        self._playback: Playback | None = None
        self._shown: tuple | None = None
        self._arranged: tuple | None = None
        self._explained: ImageOptions | None = None
        self._aspect = round(client.camera.aspect, 2)
        self._tilted: float | None = None
        self._sharp, self._growing, self._closed = True, True, False
        self._thread = threading.Thread(target=self._run, name=f"browser {client.client_id}", daemon=True)
        self._thread.start()

    def close(self, wait: bool = True) -> None:
        """End the session and let go of its clip."""
        self._closed = True
        self._tasks.put(None)
        if wait:
            self._thread.join(timeout=10)

    def do(self, task: Callable = lambda: None) -> None:
        """Have ``task`` done by the session's thread, which then shows what has changed; not if too many wait."""
        if self._tasks.qsize() < MOST_TASKS:
            self._tasks.put(task)

    # The thread

    def _run(self) -> None:
        try:
            self._guarded(self._build)
            while not self._closed:
                for task in self._due():
                    self._guarded(task)
                if not self._closed:
                    self._guarded(self._step)
        except RuntimeError:
            if not self._closed and self.client.client_id in self._connected():
                raise
        finally:
            self._release()

    def _connected(self) -> dict:
        return self.client._viser_server.get_clients()

    def _guarded(self, task: Callable) -> None:
        """Do ``task``; what is wrong with a clip is told in its place."""
        try:
            task()
        except MannequinError as e:
            self._give_up_clip("This clip cannot be shown", str(e))
        except RuntimeError:
            raise
        except Exception:
            self.controls.say(
                message_html("A bug", "The viewer has stopped here; reload the page. Its terminal says more.")
            )
            raise

    def _due(self) -> list[Callable]:
        """All tasks that wait; sleeps until there is one or something is due by itself."""
        tasks = []
        try:
            tasks.append(self._tasks.get(timeout=self._pause()))
            while True:
                tasks.append(self._tasks.get_nowait())
        except queue.Empty:
            pass
        self._closed = self._closed or None in tasks
        return [task for task in tasks if task is not None]

    def _pause(self) -> float | None:
        waits = []
        if self._playback is not None:
            waits.append(self._playback.wait(time.monotonic()))
        elif not self._sharp:
            waits.append(AT_REST)
        if self._growing:
            waits.append(LIST_EVERY)
        if self._tilted is not None:
            waits.append(self._tilted + STRAIGHTEN - time.monotonic())
        return max(0.001, min(waits)) if waits else None

    def _step(self) -> None:
        """Show what is wanted now, if it is not shown already."""
        self.list.draw()
        self._growing = not self.index.is_complete
        if self.images is None:
            return
        self._straighten()
        if self._playback is not None:
            self._advance(self._playback)
        wanted = self._wanted(self.images)
        if wanted != self._shown:
            self._show(self.images, sharp=False)
            self._shown, self._sharp = wanted, self.controls.layout != IMAGES
            self._arrived()
        elif self._playback is None and not self._sharp:
            self._show(self.images, sharp=True)
            self._sharp = True
            self._arrived()

    def _arrived(self) -> None:
        """Wait until the browser has taken in all that was sent. Raises RuntimeError when it has left."""
        while not self._closed:
            try:
                self.client.local_storage.get_item("mannequin", timeout=PATIENCE)
                return
            except TimeoutError:
                continue

    def _release(self) -> None:
        if self.images is not None:
            self.images.reader.close()
        self.images = None

    # What it does

    def _build(self) -> None:
        client, gui = self.client, self.client.gui
        gui.configure_theme(show_logo=False, show_share_button=False)
        gui.set_panel_label("Mannequin")
        gui.main_panel.dock_right()
        gui.main_panel.set_width(CONTROLS_WIDTH)
        self.controls = Controls(gui, self._actions(), self._palette)
        panel = gui.add_panel()
        with panel.add_tab("Clips"):
            self.list = ClipList(gui, self.index, self._open, self.do, lambda: self.do(self._refresh))
        panel.dock_left()
        panel.set_width(LIST_WIDTH)
        self.planes = ImagePlanes(client.scene, lambda i, x, y: self.do(lambda: self._pick(i, x, y)))
        client.camera.on_update(self._camera_moved)
        self._add_keys()
        self._open(self.key)

    def _actions(self) -> Actions:
        return Actions(
            change=self.do,
            transport=lambda what: self.do(lambda: self._transport(what)),
            seek=lambda t: self.do(lambda: self._seek(t)),
            pixel=lambda: self.do(self._read_named_pixel),
            fit=lambda: self.do(self._fit),
            look_through=lambda: self.do(self._look_through),
            download=lambda: self.do(self._download),
        )

    def _add_keys(self) -> None:
        for key, what in KEYS.items():
            label = "play or pause" if what == PLAY else f"frame {what}"
            command = self.client.gui.add_command(label, hotkey=key)
            command.on_trigger(lambda _, what=what: self.do(lambda: self._transport(what)))
        neighbours: tuple[tuple[Key, str, int], ...] = (
            ("arrowdown", "next clip", 1),
            ("arrowup", "previous clip", -1),
        )
        for key, label, step in neighbours:
            command = self.client.gui.add_command(label, hotkey=key)
            command.on_trigger(lambda _, step=step: self.do(lambda: self._open_neighbour(step)))

    def _open(self, key: str) -> None:
        self._stop()
        self._close_scene()
        self._release()
        self.key, self.t, self._shown, self._arranged, self._explained = key, 0, None, None, None
        self.list.choose(key)
        entry = self.index.entry(key)
        if entry.state == "failed":
            self._give_up_clip(f"Clip {key} could not be made", entry.problem)
            return
        self.images = ClipImages(self.index.collection.open(key))
        self.controls.say("")
        self.controls.offer(self.images, 0)
        self.controls.tell(
            facts_html(self.images.reader, self.index.collection, key), description_html(self.images.reader.spec)
        )

    def _give_up_clip(self, title: str, problem: str) -> None:
        """Say why there is nothing to see of the clip."""
        self._stop()
        self.planes.clear()
        self._close_scene()
        self._release()
        self._arranged = None
        self.controls.say(f"<div style='color:#e03131'>{message_html(title, problem)}</div>")
        self.controls.tell(message_html(f"Clip {self.key}", problem), "")

    def _open_neighbour(self, step: int) -> None:
        key = self.list.neighbour(step)
        if key is not None:
            self._open(key)

    def _refresh(self) -> None:
        self.index.refresh()
        self._growing = True

    def _wanted(self, images: ClipImages) -> tuple:
        """All that the picture on the screen follows from."""
        controls = self.controls
        scene = controls.scene_options() if controls.layout != IMAGES else None
        return self.key, scene, self.t, controls.image_options(images.reader.cameras), self.pixel, self._aspect

    def _show(self, images: ClipImages, sharp: bool) -> None:
        options = self.controls.image_options(images.reader.cameras)
        self.controls.at(self.t, images.reader.spec)
        if self.controls.layout == IMAGES:
            self._show_images(images, options, sharp)
        else:
            self._show_scene(images)
        self.controls.list_people(people_html(self.t, images.seen(options.cameras, self.t)))
        if self._explained != options:
            self.controls.explain(images, options)
            self._explained = options
        if self._playback is None and not sharp:
            self._read_pixel(images)

    def _show_images(self, images: ClipImages, options: ImageOptions, sharp: bool) -> None:
        tiles, flat = images.tiles(options, self.t, sharp), images.flat(options)
        resolution = images.reader.spec.resolution
        arranged = tuple(flat), resolution, self._aspect
        with self.client.atomic():
            if arranged != self._arranged:
                self._close_scene()
                self.controls.say("")
                self.planes.arrange(flat, resolution, self.client.camera.aspect)
                self.planes.look_at(self.client)
                self._arranged = arranged
            self.planes.show(tiles)
            if not sharp:
                self.planes.mark(self.pixel)

    def _show_scene(self, images: ClipImages) -> None:
        camera, options = self.controls.camera(images.reader.cameras), self.controls.scene_options()
        style = self.controls.style()
        arranged, was_images = ("scene", style.palette), self._arranged is None or self._arranged[0] != "scene"
        scene3d = self._scene3d
        if scene3d is None or arranged != self._arranged:
            self.planes.clear()
            scene3d = self._open_scene(images, style)
            self._arranged = arranged
        with self.client.atomic():
            scene3d.show(camera, self.t, options)
        if was_images:
            scene3d.look_through(self.client, camera, self.t)

    def _open_scene(self, images: ClipImages, style: Style) -> "Scene3D":
        from mannequin.view.scene3d import Scene3D  # its libraries take a second to load

        self._scene3d = scene3d = self._scene3d or Scene3D(self.client.scene, style)
        scene3d.style = style
        scene3d.open(images.reader, self.index.collection)
        self.controls.say(message_html("3D", scene3d.notice) if scene3d.notice else "")
        return scene3d

    def _close_scene(self) -> None:
        if self._scene3d is not None:
            self._scene3d.close()

    def _camera_moved(self, camera: viser.CameraHandle) -> None:
        """The window has another shape, or the user has turned what is seen."""
        tilted = self.controls.layout == IMAGES and self.planes.is_tilted(camera)
        self._tilted = time.monotonic() if tilted else None
        aspect = round(camera.aspect, 2)
        if tilted or aspect != self._aspect:
            self._aspect = aspect
            self.do()

    def _straighten(self) -> None:
        if self._tilted is not None and time.monotonic() >= self._tilted + STRAIGHTEN:
            self._tilted = None
            self.planes.straighten(self.client)

    def _fit(self) -> None:
        if self.controls.layout == IMAGES:
            self.planes.look_at(self.client)

    def _look_through(self) -> None:
        if self.images is not None and self._scene3d is not None and self.controls.layout != IMAGES:
            self._scene3d.look_through(self.client, self.controls.camera(self.images.reader.cameras), self.t)

    def _download(self) -> None:
        if self.images is not None:
            spec = self.images.reader.spec
            self.client.send_file_download(f"{spec.name}.json".replace("/", "_"), spec.to_json().encode())

    # Frames

    def _transport(self, what: str) -> None:
        """A button or key of the transport; "" when speed or loop have changed."""
        if self.images is None:
            return
        last, playing = self.images.reader.spec.num_frames - 1, self._playback is not None
        if what in (PLAY, PAUSE):
            self._stop() if playing else self._play(self.images)
        elif what == "":
            if playing:
                self._play(self.images)
        else:
            self._stop()
            self.t = {FIRST: 0, BACK: max(0, self.t - 1), ON_STEP: min(last, self.t + 1), LAST: last}[what]

    def _seek(self, t: int) -> None:
        if self.images is not None:
            self._stop()
            self.t = min(max(0, int(t)), self.images.reader.spec.num_frames - 1)

    def _play(self, images: ClipImages) -> None:
        spec, controls = images.reader.spec, self.controls
        first = 0 if self.t == spec.num_frames - 1 else self.t
        self.t = first
        self._playback = Playback(spec.num_frames, spec.fps, first, time.monotonic(), controls.speed, controls.loop)
        controls.playing(True)

    def _stop(self) -> None:
        if self._playback is not None:
            self._playback, self._shown = None, None
            self.controls.playing(False)

    def _advance(self, playback: Playback) -> None:
        self.t = playback.frame(time.monotonic(), self.t)
        if playback.ends(self.t):
            self._stop()

    # Pixels

    def _pick(self, i: int, x: int, y: int) -> None:
        self.pixel = (x, y)
        self.controls.name_pixel(x, y)

    def _read_named_pixel(self) -> None:
        self.pixel = int(self.controls.x.value), int(self.controls.y.value)

    def _read_pixel(self, images: ClipImages) -> None:
        reader = images.reader
        h, w = reader.spec.resolution
        if self.pixel is None or not (0 <= self.pixel[0] < w and 0 <= self.pixel[1] < h):
            return
        cameras = self.controls.image_options(reader.cameras).cameras
        tables = [
            (message_html(camera, "") if len(cameras) > 1 else "")
            + readings_html(*self.pixel, read_pixel(reader, camera, self.t, *self.pixel))
            for camera in cameras
        ]
        self.controls.show_values("".join(tables))
