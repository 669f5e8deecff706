"""Small files with the faults of real ones, kept beside the project; tests of each reader build others like them."""

from pathlib import Path

import numpy as np
import pytest
from smpl_motions import performed

from mannequin.generator.appearance.folder import find_textures
from mannequin.generator.environment import find_environments, load_environment, load_photo
from mannequin.generator.errors import AssetError
from mannequin.generator.motion.finding import find_motions, search_motions
from mannequin.generator.rigs.calibration import read_camera
from mannequin.renderers.footage import read_parameters
from mannequin.renderers.frames import read_images

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not beside the project (../shared/cases)")

MOTIONS = sorted(p.name for p in CASES.glob("*.bvh")) + [
    "smpl_camera_space_y_down.npz",
    "smpl_squat_no_translation.npz",
]
NOTES = {
    "frames_states_one_less": "holds 3",
    "keywords_lower_case": "keywords in another case",
    "text_after_last_frame": "text after its last frame",
    "foot_end_straight_down": "no toe",
}
"""What is said of files that are read nevertheless."""


@pytest.mark.parametrize("name", MOTIONS)
def test_people_stand_upright_on_the_floor(name):
    joints, soles, motion = performed(CASES / name)
    assert joints[0, 15, 2] > 1.3 and joints[0, [10, 11], 2].max() < 0.2
    assert np.abs(soles[..., 2].min(axis=1)).max() < 0.02
    across, toes = joints[0, 1] - joints[0, 2], (joints[0, [10, 11]] - joints[0, [7, 8]]).mean(axis=0)
    assert np.cross(across, [0.0, 0.0, 1.0]) @ toes > 0, "left is at the left of who looks ahead"
    assert (joints[0, 18] - joints[0, 19]) @ across > 0 and (joints[0, 20] - joints[0, 21]) @ across > 0
    said = " ".join(map(str, motion.facts().get("notes", [])))
    assert NOTES.get(motion.name, "") in said and bool(said) == (motion.name in NOTES)


def test_folders_of_motions():
    assert [m.name for m in find_motions(CASES / "appledouble")] == ["walk"]
    found = search_motions([CASES / "one_bad_file"])
    assert list(found.files) == ["good"] and [Path(fault.name).name for fault in found.left_out] == ["cut.npz"]
    both = [CASES / "same_name" / which for which in "34"]
    for paths in (both, both[::-1]):
        assert list(search_motions(paths).files) == ["3/walking_medium01", "4/walking_medium01"]


def test_textures():
    found = find_textures(CASES / "surreal_textures", "smpl-6890").files
    assert {name: texture.gender for name, texture in found.items()} == {
        "texture/female/nongrey_female_0001.png": "female",
        "texture/male/nongrey_male_0001.png": "male",
    }
    grey = load_photo(CASES / "texture_16bit_grey" / "skin.png")
    assert grey.dtype == np.uint8 and (grey[:, grey.shape[1] // 2 :] == 64).all()
    turned = [load_photo(CASES / "photo_webp_exif6" / name) for name in ("p.webp", "p.png")]
    assert turned[0].shape == turned[1].shape == (16, 32, 3)


@pytest.mark.parametrize(
    ("name", "reason"), [("light_probe_square/probe.hdr", "angular map"), ("env_black/black.hdr", "black")]
)
def test_environments_that_are_none(name, reason):
    with pytest.raises(AssetError, match=reason):
        load_environment(CASES / name)


@pytest.mark.parametrize("folder", ["env_multipart_depth_first", "env_blender_multilayer"])
def test_environments_in_layers_and_parts(folder):
    """Red, green and blue by their names: depth and normals, which lie before them, would not do."""
    (path,) = find_environments(CASES / folder).files.values()
    image = load_environment(path)
    assert image.shape == (8, 16, 3) and 0 < image.mean() <= 1


def test_footage():
    label = CASES / "label"
    frames = read_images(label / "imgs", 12)
    assert len({frame.tobytes() for frame in frames}) == 12
    levels = [float(frame.mean()) for frame in frames]
    assert levels == sorted(levels) or levels == sorted(levels, reverse=True), "frame_2 comes before frame_10"
    camera, size = read_camera(label / "camera_distortion_1x5.json", 12)
    assert size == (48, 64) and camera.distortion == (-0.2, 0.05, 0.001, -0.001, 0.0)
    fit, named = (read_parameters(label / name) for name in ("fit.npz", "fit_smplx_names.npz"))
    assert len(fit.pose) == len(named.pose) == 12
    upright, _ = read_camera(label / "camera_upright_64x48.json", 5)
    film = read_images(label / "rotated_phone_video_90deg.mp4", 5)
    assert film.shape[1:3] == (64, 48) and upright is not None
