"""Specs: round trips, refusals, and random streams."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mannequin.generator.categories import CATEGORIES
from mannequin.generator.clip import class_of_instance
from mannequin.generator.errors import ConfigError
from mannequin.generator.spec import (
    SPEC_VERSION,
    AppearanceSpec,
    CameraSpec,
    ClipSpec,
    EnvironmentBackground,
    HandSpec,
    HdriLight,
    Lamp,
    LampLight,
    MotionSpec,
    ObjectSpec,
    PersonSpec,
    PhotoBackground,
    PlainBackground,
    PlaneGround,
    ShLight,
)
from mannequin.generator.streams import shuffled_position, stream

DATA = Path(__file__).parent / "data"

number = st.floats(allow_nan=False, allow_infinity=False, width=64)
positive = st.floats(1e-3, 1e6)
name = st.text(st.characters(blacklist_characters="/", blacklist_categories=("Cs",)), min_size=1, max_size=12)
instance = st.integers(1, 255)
vec3 = st.tuples(number, number, number)
row = st.tuples(number, number, number, number)
matrix = st.tuples(row, row, row, row)
light = st.one_of(
    st.builds(ShLight, st.tuples(*[number] * 9)),
    st.builds(HdriLight, name, number, positive, st.booleans()),
    st.builds(
        LampLight,
        st.lists(st.builds(Lamp, vec3, vec3, positive, positive, vec3), max_size=3).map(tuple),
        positive,
        st.booleans(),
    ),
)
background = st.one_of(
    st.builds(PhotoBackground, name, st.tuples(number, number)),
    st.builds(EnvironmentBackground, name, number, positive),
    st.builds(PlainBackground, vec3),
)


@st.composite
def specs(draw):
    frames = draw(st.integers(1, 5))
    poses = st.sampled_from((1, frames)).flatmap(lambda n: st.lists(matrix, min_size=n, max_size=n).map(tuple))
    hands = st.none() | st.tuples(*[st.lists(number, min_size=45, max_size=45).map(tuple)] * 2)
    person = st.builds(
        PersonSpec,
        name,
        instance,
        name,
        st.lists(number, max_size=10).map(tuple),
        st.builds(MotionSpec, name, number, st.dictionaries(name, number, max_size=3)),
        st.builds(AppearanceSpec, name),
        st.sampled_from((24, 52)),
        number,
        vec3,
        hands,
    )
    camera = st.builds(
        CameraSpec,
        name,
        positive,
        positive,
        number,
        number,
        poses,
        st.sampled_from(((), (0.1, 0.2, 0.0, 0.0))),
        st.just(()) | st.tuples(positive),
    )
    postures = st.sampled_from((1, frames)).flatmap(
        lambda n: st.tuples(
            st.lists(st.lists(number, min_size=48, max_size=48).map(tuple), min_size=n, max_size=n).map(tuple),
            st.lists(vec3, min_size=n, max_size=n).map(tuple),
        )
    )
    hand = st.builds(
        lambda pose, *given: HandSpec(*given, *pose), postures, name, instance, name, st.lists(number).map(tuple)
    )
    thing = st.builds(
        ObjectSpec, name, instance, st.sampled_from(("sphere", "box")), poses, vec3, vec3,
        st.sampled_from(CATEGORIES), name,
    )  # fmt: skip
    unique = {"unique_by": lambda item: item.name, "max_size": 3}
    things = draw(
        st.lists(person | hand | thing, max_size=6, unique_by=(lambda item: item.name, lambda item: item.instance))
    )
    return ClipSpec(
        name=draw(name), seed=draw(st.integers(0, 2**63 - 1)), index=draw(st.integers(0, 10**9)), split="train",
        preset="studio", fps=draw(positive), num_frames=frames,
        resolution=draw(st.tuples(st.integers(1, 16384), st.integers(1, 16384))),
        people=tuple(t for t in things if isinstance(t, PersonSpec)),
        hands=tuple(t for t in things if isinstance(t, HandSpec)),
        objects=tuple(t for t in things if isinstance(t, ObjectSpec)),
        cameras=tuple(draw(st.lists(camera, min_size=1, **unique))),
        light=draw(light), background=draw(background), ground=draw(st.none() | st.builds(PlaneGround, number)),
        samples=draw(st.integers(1, 4096)), tags=draw(st.dictionaries(name, name | number, max_size=3)),
    )  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150)
@given(specs())
def test_json_round_trip_is_exact(spec):
    assert ClipSpec.from_json(spec.to_json()) == spec


@pytest.fixture
def plain():
    eye = tuple(tuple(float(i == j) for j in range(4)) for i in range(4))
    spec = ClipSpec(
        "clip", 0, 0, "all", "studio", 30.0, 2, (24, 32), (), (CameraSpec("c", 50.0, 50.0, 16.0, 12.0, (eye,)),),
        ShLight((0.0,) * 9), PlainBackground(),
    )  # fmt: skip
    return json.loads(spec.to_json())


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("resolution",), [0, 32], "resolution"),
        (("resolution",), [24], "resolution"),
        (("num_frames",), 0, "num_frames"),
        (("num_frames",), "2", "num_frames"),
        (("num_frames",), True, "num_frames"),
        (("fps",), -1.0, "fps"),
        (("cameras",), [], "camera"),
        (("light", "kind"), "laser", "laser"),
        (("light", "coefficients"), [0.0] * 8, "nine"),
        (("surprise",), 1, "surprise"),
        (("cameras", 0, "fx"), 0.0, "focal"),
        (("cameras", 0, "name"), "a/b", "names"),
        (("version",), 99, "version"),
    ],
)
def test_impossible_values_are_refused_by_name(plain, path, value, says):
    target = plain
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(ConfigError, match=says):
        ClipSpec.from_json(json.dumps(plain))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"name": 1}', "[" * 100_000])
def test_text_that_is_no_spec_is_refused(text):
    with pytest.raises(ConfigError):
        ClipSpec.from_json(text)


def test_streams_are_independent_and_seed_zero_is_a_seed():
    seen = {
        tuple(stream(s, i, f).integers(0, 2**31, 3)) for s in (0, 1, 2) for i in range(20) for f in ("pose", "light")
    }
    assert len(seen) == 120
    assert (stream(0, 3, "pose").uniform(size=4) == stream(0, 3, "pose").uniform(size=4)).all()
    for bad in (-1, 2**63):
        with pytest.raises(ConfigError, match="seed"):
            stream(bad, 0, "pose")


@settings(max_examples=60)
@given(st.integers(1, 500), st.integers(0, 10**6))
def test_shuffled_position_is_a_permutation(size, seed):
    assert sorted(shuffled_position(i, size, seed) for i in range(size)) == list(range(size))


def test_stream_values_are_pinned():
    """A change here changes every dataset that was ever described by a seed."""
    assert stream(0, 0, "pose").integers(0, 2**62, 2).tolist() == [2180198499075108827, 1821721317622104900]


# Instances, classes, hands and version 1

EYE = tuple(tuple(float(i == j) for j in range(4)) for i in range(4))
HAND = HandSpec("hand", 9, "user-right", (), ((0.0,) * 48,), ((0.0, 0.0, 0.0),))


def described(people=(), hands=(), objects=(), **changes):
    values = {
        "name": "clip", "seed": 0, "index": 0, "split": "all", "preset": "studio", "fps": 30.0, "num_frames": 2,
        "resolution": (24, 32), "people": people, "cameras": (CameraSpec("c", 50.0, 50.0, 16.0, 12.0, (EYE,)),),
        "light": ShLight((0.0,) * 9), "background": PlainBackground(), "hands": hands, "objects": objects,
    }  # fmt: skip
    return ClipSpec(**values | changes)


def person(name, instance):
    return PersonSpec(name, instance, "mannequin-female", (), MotionSpec("action/walk"), AppearanceSpec("outfit/0"))


def ball(name, instance, **options):
    return ObjectSpec(name, instance, "sphere", (EYE,), **options)


@pytest.mark.parametrize(
    ("things", "says"),
    [
        ({"people": (person("a", 1), person("b", 1))}, r"people\.b\.instance is 1; expected another one than 'a'"),
        ({"people": (person("a", 3),), "objects": (ball("b", 3),)}, r"objects\.b\.instance"),
        ({"hands": (HAND,), "objects": (ball("b", 9),)}, r"objects\.b\.instance"),
        ({"people": (person("a", 0),)}, "instance is 0; expected 1 to 255"),
        ({"objects": (ball("a", 256),)}, "instance is 256"),
        ({"people": (person("a", 1),), "objects": (ball("a", 2),)}, "names"),
        ({"objects": (ball("a", 1, category="spere"),)}, "spere.*'sphere'"),
        ({"hands": (replace(HAND, pose=((0.0,) * 45,)),)}, "48 numbers"),
        ({"hands": (replace(HAND, pose=HAND.pose * 3, transl=HAND.transl * 3),)}, "1 of each or 2"),
        ({"hands": (replace(HAND, transl=HAND.transl * 2),)}, "1 of each or 2"),
    ],
)
def test_things_that_no_instance_image_tells_apart_are_refused(things, says):
    with pytest.raises(ConfigError, match=says):
        described(**things)


def test_instances_and_classes_are_read_off_the_description():
    spec = described((person("a", 7), person("b", 2)), (HAND,), (ball("c", 255), ball("d", 4, category="sphere")))
    assert spec.instances == {2: "b", 4: "d", 7: "a", 9: "hand", 255: "c"}
    classes = class_of_instance(spec)
    assert classes.shape == (256,) and classes.dtype == np.uint8
    named = {i: CATEGORIES[classes[i] - 1] for i in np.flatnonzero(classes)}
    assert named == {2: "person", 4: "sphere", 7: "person", 9: "hand", 255: "object"}


def test_a_description_of_version_1_is_upgraded():
    text = (DATA / "spec_version_1.json").read_text()
    old, spec = json.loads(text), ClipSpec.from_json(text)
    assert old["version"] == 1 and spec.version == SPEC_VERSION
    assert spec.instances == {1: "person0", 2: "b", 3: "ball", 4: "box", 5: "plane"}
    assert [thing.category for thing in spec.objects] == ["sphere", "box", "plane"]
    assert spec.ground == PlaneGround(0.0) and spec.hands == ()
    assert ClipSpec.from_json(spec.to_json()) == spec
    kept = json.loads(spec.to_json())
    for key in set(old) - {"version", "people", "objects", "cameras"}:
        assert kept[key] == old[key]
    for person, new in zip(old["people"], kept["people"], strict=True):
        person["motion"] = new["motion"] | person["motion"]
    for group in ("people", "objects", "cameras"):
        assert all(new | thing == new for new, thing in zip(kept[group], old[group], strict=True))


@pytest.mark.parametrize(
    "damage",
    [
        {"people": None}, {"people": [3]}, {"objects": "ball"}, {"objects": [[]]}, {"objects": [{"mesh": []}]},
        {"cameras": []}, {"version": True}, {"version": 1.5},
    ],
)  # fmt: skip
def test_a_damaged_description_of_version_1_is_refused(damage):
    old = json.loads((DATA / "spec_version_1.json").read_text())
    with pytest.raises(ConfigError):
        ClipSpec.from_json(json.dumps(old | damage))


def test_more_things_than_an_image_of_eight_bits_tells_apart():
    assert len(described(objects=tuple(ball(f"o{i}", i) for i in range(1, 256))).things) == 255
    old = json.loads((DATA / "spec_version_1.json").read_text())
    many = [old["objects"][0] | {"name": f"o{i}"} for i in range(254)]
    with pytest.raises(ConfigError, match="instance is 256"):
        ClipSpec.from_json(json.dumps(old | {"objects": many}))
