"""What one browser's user may choose about the open clip, and what it tells of it."""

from collections.abc import Callable
from dataclasses import dataclass

import viser

from mannequin.generator.colours import DRAWN, PALETTES, Style
from mannequin.generator.spec import ClipSpec
from mannequin.legends import legend_html
from mannequin.view.clip_images import ClipImages, ImageOptions
from mannequin.view.playback import SPEEDS

BEGIN_WITH = ("rgb", "segm", "depth", "normal")
"""Channels that are shown before anybody chose any, of those that there are."""

IMAGES, SCENE = "images", "3D"
ALL_CAMERAS: str = "all cameras"
EVERYONE: str = "everyone"
NO_CAMERA: str = ""
ON, OFF = "● ", "○ "
FIRST, BACK, PLAY, PAUSE, ON_STEP, LAST = "|<", "<", "play", "pause", ">", ">|"


@dataclass(frozen=True)
class Actions:
    """What happens; each is called in viser's threads. change: something else is to be seen."""

    change: Callable[[], None]
    transport: Callable[[str], None]
    seek: Callable[[int], None]
    pixel: Callable[[], None]
    fit: Callable[[], None]
    look_through: Callable[[], None]
    download: Callable[[], None]


class Controls:
    """The panel beside the pictures."""

    def __init__(self, gui: viser.GuiApi, actions: Actions, palette: str):
        self._gui, self._actions = gui, actions
        self.layout, self.channels, self._offered = IMAGES, list(BEGIN_WITH), BEGIN_WITH
        self._status = gui.add_html("")
        self._layout = gui.add_button_group("show", (ON + IMAGES, OFF + SCENE))
        self._layout.on_click(lambda event: self._set_layout(event.target.value))
        self._add_transport()
        tabs = gui.add_tab_group()
        with tabs.add_tab("Pictures"):
            self._add_pictures(palette)
        with tabs.add_tab("People"):
            self._people = gui.add_html("")
        with tabs.add_tab("Pixel"):
            self._add_pixel()
        with tabs.add_tab("3D"):
            self._add_scene()
        with tabs.add_tab("About"):
            self._add_about()

    def offer(self, images: ClipImages, keep: int) -> None:
        """Offer what the clip of ``images`` has, standing at frame ``keep``."""
        spec, cameras = images.reader.spec, images.reader.cameras
        self._frame.disabled = spec.num_frames < 2
        self._frame.max = max(1, spec.num_frames - 1)
        self.x.max, self.y.max = spec.resolution[1] - 1, spec.resolution[0] - 1
        self._camera.options = (*cameras, ALL_CAMERAS) if len(cameras) > 1 else cameras
        self._camera.visible = len(cameras) > 1
        self._person.options = (EVERYONE, *images.reader.people)
        self._person.visible = len(images.reader.people) > 1
        there = {name for camera in cameras for name in images.channels(camera)}
        self._offered = tuple(name for name in (*DRAWN, "amodal") if name in there)
        if not set(self.channels) & there:
            self.channels = [self._offered[0]] if self._offered else []
        self._draw_channels()
        self.at(keep, spec)

    def at(self, t: int, spec: ClipSpec) -> None:
        """Say that frame ``t`` is shown."""
        self._frame.value = t
        text = f"frame {t} of 0…{spec.num_frames - 1} · {t / spec.fps:.2f} s"
        if self._when.content != _small(text):
            self._when.content = _small(text)

    def playing(self, is_playing: bool) -> None:
        """Say whether the clip plays."""
        self._transport.options = (FIRST, BACK, PAUSE if is_playing else PLAY, ON_STEP, LAST)

    def say(self, content: str) -> None:
        """Put a message (HTML) above everything; "" takes it away."""
        if self._status.content != content:
            self._status.content = content

    def image_options(self, cameras: tuple[str, ...]) -> ImageOptions:
        """What to draw of a clip with ``cameras``."""
        return ImageOptions(
            cameras=cameras if self._camera.value == ALL_CAMERAS else (self.camera(cameras),),
            channels=tuple(self.channels),
            opacity=self._opacity.value if self._over.value else None,
            style=self.style(),
            joints=self._joints.value,
            names=self._names.value,
            people=None if self._person.value == EVERYONE else (self._person.value,),
        )

    def camera(self, cameras: tuple[str, ...]) -> str:
        """The camera chosen, the first if all are."""
        return self._camera.value if self._camera.value in cameras else cameras[0]

    def style(self) -> Style:
        """Palette and ranges; one that makes no sense is left to the clip."""
        near, far = self._near.value, self._far.value
        depth = (near, far) if self._fix_depth.value and 0 <= near < far else None
        flow = self._flow.value if self._fix_flow.value and self._flow.value > 0 else None
        return Style(self._palette.value, depth, flow)

    def scene_options(self):
        """The SceneOptions chosen: what the 3D scene shows."""
        from mannequin.view.scene3d import SceneOptions

        return SceneOptions(
            surface=self._surface.value,
            frustum=self._frustum.value,
            skeleton=self._skeleton.value,
            names=self._joint_names.value,
            ground=self._ground.value,
            colour=self._colour.value,
        )

    @property
    def speed(self) -> float | None:
        """As in playback.SPEEDS."""
        return SPEEDS[self._speed.value]

    @property
    def loop(self) -> bool:
        """Whether playing starts again at the end."""
        return self._loop.value

    def explain(self, images: ClipImages, options: ImageOptions) -> None:
        """Show the legends of what is drawn."""
        parts = [
            f"<div style='font-weight:600;margin:.6em 0 .2em'>{name}</div>{legend_html(meaning)}"
            for name, meaning in images.legends(options)
        ]
        content = f"<div style='padding:0 .75em .5em;font-size:.8em'>{''.join(parts)}</div>"
        if self._legend.content != content:
            self._legend.content = content

    def name_pixel(self, x: int, y: int) -> None:
        """Write a picked pixel into the fields; never what came from them, since more may be typed by now."""
        self.x.value, self.y.value = x, y

    def show_values(self, content: str) -> None:
        """Show what was read at a pixel."""
        if self._values.content != content:
            self._values.content = content

    def list_people(self, content: str) -> None:
        """Show what is seen of everybody."""
        if self._people.content != content:
            self._people.content = content

    def tell(self, facts: str, description: str) -> None:
        """Fill the page about the clip."""
        self._facts.content, self._description.content = facts, description

    def _add_transport(self) -> None:
        gui, actions = self._gui, self._actions
        self._transport = gui.add_button_group("frames", (FIRST, BACK, PLAY, ON_STEP, LAST))
        self._transport.on_click(lambda event: actions.transport(event.target.value))
        self._frame = gui.add_slider("frame", 0, 1, 1, 0)
        self._frame.on_update(lambda event: actions.seek(event.target.value) if event.client is not None else None)
        self._when = gui.add_html("")
        self._speed = gui.add_dropdown(
            "speed", tuple(SPEEDS), initial_value="1", hint="Multiples of the clip's own pace"
        )
        self._loop = gui.add_checkbox("loop", True)
        self._heard(self._speed, self._loop, then=lambda: actions.transport(""))

    def _add_pictures(self, palette: str) -> None:
        gui = self._gui
        self._camera = gui.add_dropdown("camera", (NO_CAMERA,), visible=False)
        self._toggles = gui.add_button_group("channels", tuple(ON + name for name in BEGIN_WITH))
        self._toggles.on_click(lambda event: self._toggle(event.target.value))
        self._over = gui.add_checkbox("over colour", False, hint="Lay the channels over the colour image")
        self._opacity = gui.add_slider("opacity", 0.0, 1.0, 0.05, 0.6)
        self._joints = gui.add_checkbox("joints, boxes", False, hint="Joints are hollow where hidden")
        self._names = gui.add_checkbox("joint names", False)
        self._person = gui.add_dropdown("of", (EVERYONE,), initial_value=EVERYONE, visible=False)
        with gui.add_folder("colours", expand_by_default=False):
            self._palette = gui.add_dropdown("parts", PALETTES, initial_value=palette)
            self._fix_depth = gui.add_checkbox("fix depth", False, hint="Else fitted to the clip")
            self._near = gui.add_number("near (m)", 1.0, min=0.0, step=0.05)
            self._far = gui.add_number("far (m)", 6.0, min=0.0, step=0.05)
            self._fix_flow = gui.add_checkbox("fix flow", False, hint="Else fitted to the clip")
            self._flow = gui.add_number("full (px)", 10.0, min=0.0, step=0.1)
        gui.add_button("fit to window", color="gray").on_click(lambda _: self._actions.fit())
        self._legend = gui.add_html("")
        self._heard(self._camera, self._over, self._opacity, self._joints, self._names, self._person)
        self._heard(self._palette, self._fix_depth, self._near, self._far, self._fix_flow, self._flow)

    def _add_pixel(self) -> None:
        gui = self._gui
        gui.add_html(_small("Click a picture, or say which pixel: column x and row y from the upper left, from 0."))
        self.x = gui.add_number("x", 0, min=0, max=1, step=1)
        self.y = gui.add_number("y", 0, min=0, max=1, step=1)
        for handle in (self.x, self.y):
            handle.on_update(lambda event: self._actions.pixel() if event.client is not None else None)
        self._values = gui.add_html("")

    def _add_scene(self) -> None:
        gui = self._gui
        self._surface = gui.add_dropdown("surface", ("mesh", "points", "none"), initial_value="mesh")
        self._colour = gui.add_dropdown("colour", ("texture", "parts"), initial_value="texture")
        self._frustum = gui.add_checkbox("cameras", True)
        self._skeleton = gui.add_checkbox("skeletons", False, hint="Bodies turn transparent")
        self._joint_names = gui.add_checkbox("joint names", False)
        self._ground = gui.add_checkbox("ground", True)
        gui.add_button("look through the camera", color="gray").on_click(lambda _: self._actions.look_through())
        self._heard(self._surface, self._colour, self._frustum, self._skeleton, self._joint_names, self._ground)

    def _add_about(self) -> None:
        gui = self._gui
        self._facts = gui.add_html("")
        gui.add_button("download the description", color="gray").on_click(lambda _: self._actions.download())
        self._description = gui.add_html("")

    def _heard(self, *handles, then: Callable[[], None] | None = None) -> None:
        for handle in handles:
            handle.on_update(lambda event: (then or self._actions.change)() if event.client is not None else None)

    def _set_layout(self, option: str) -> None:
        self.layout = option[len(ON) :]
        self._layout.options = tuple((ON if n == self.layout else OFF) + n for n in (IMAGES, SCENE))
        self._actions.change()

    def _toggle(self, option: str) -> None:
        name = option[len(ON) :]
        chosen = set(self.channels) ^ {name}
        self.channels = [n for n in self._offered if n in chosen]
        self._draw_channels()
        self._actions.change()

    def _draw_channels(self) -> None:
        self._toggles.options = tuple((ON if n in self.channels else OFF) + n for n in self._offered)


def _small(text: str) -> str:
    return f"<div style='padding:0 .75em;font-size:.8em;opacity:.8'>{text}</div>"
