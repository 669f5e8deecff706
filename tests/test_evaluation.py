"""Evaluation on tiny data sets in the layouts of the real ones: results against counts by hand, and what is missing
named."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from mannequin.generator.body.model import MERGE_14, PARTS_14
from mannequin.generator.colours import HIDDEN, part_colours
from mannequin.generator.dataset.folder import create_or_resume, open_dataset
from mannequin.generator.dataset.native import write_clip
from mannequin.generator.dataset.surreal import export_surreal
from mannequin.generator.errors import ConfigError, DatasetError, MannequinError, TrainingError
from mannequin.training.core.device import device_of
from mannequin.training.data.clips import ClipSamples
from mannequin.training.data.colour import MEAN, STD, to_rgb
from mannequin.training.data.selection import Selection, split_of
from mannequin.training.evaluation.masks import MaskedImages, MaskLayout, read_layout
from mannequin.training.evaluation.measure import evenly, measure
from mannequin.training.evaluation.protocols import PROTOCOLS, open_data
from mannequin.training.evaluation.published import PUBLISHED, published_for
from mannequin.training.models.hourglass import Maps
from mannequin.training.registry import load_trained, make_task
from tests.clips import ball_clip
from tests.trained import TINY, checkpoint

SIZE = TINY.size
SEGMENTATION, DEPTH = make_task("segmentation", TINY), make_task("depth", TINY)
CPU = torch.device("cpu")
COLOURS = part_colours(parts=14)
STEP = 16
"""Of red from one class to the next in painted images."""


class Reader(nn.Module):
    """Says the class that is painted in red, through full-size maps."""

    def forward(self, image):
        red = (image[:, 0] * STD[0] + MEAN[0]) * 255
        scores = F.one_hot((red / STEP).round().long().clamp(0, 14), 15).movedim(-1, 1).float()
        return Maps((scores[..., ::4, ::4],), scores)


def painted(labels):
    """(H, W, 3) uint8 whose red tells the label."""
    return np.stack([STEP * labels, np.full_like(labels, 90), np.zeros_like(labels)], -1).astype(np.uint8)


def write_pair(root, name, image, mask, ending=""):
    for folder, values in (("images", image), ("masks", mask)):
        path = root / folder / f"{name}{ending if folder == 'masks' else ''}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)


def blocks(rng, height=SIZE, width=SIZE, most=14):
    """(height, width) uint8 labels in blocks of 4 pixels."""
    coarse = rng.integers(0, most + 1, (-(-height // 4), -(-width // 4)))
    return coarse.repeat(4, 0).repeat(4, 1)[:height, :width].astype(np.uint8)


def counted(pairs, classes=15):
    """IoU and recall of every class by plain counting. pairs: of (truth, predicted)."""
    iou, recall = [], []
    for c in range(classes):
        both = sum(int(((t == c) & (p == c)).sum()) for t, p in pairs)
        either = sum(int((((t == c) | (p == c)) & (t != 255)).sum()) for t, p in pairs)
        truth = sum(int((t == c).sum()) for t, _ in pairs)
        iou.append(both / either if either else np.nan)
        recall.append(both / truth if truth else np.nan)
    return np.array(iou), np.array(recall)


def frames_of(root, task):
    """Every frame of a dataset, as samples for ``task``."""
    return ClipSamples(root, task.needs, task.targets, size=SIZE)


def measured(data, model=None, task=SEGMENTATION, **options):
    return measure(task, (model or Reader()).eval(), data, range(len(data)), device=CPU, **options)


def lively(task, seen=None):
    """An untrained network that names many classes, in ``seen`` or in noise."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(5)
        model = task.model().eval()
        seen = torch.randn(4, 3, SIZE, SIZE) if seen is None else seen
        last = model.stacks[-1].maps
        scores = model(seen).stacks[-1]
        last.bias -= scores.mean((0, 2, 3))
        spread = scores.std((0, 2, 3))
        last.weight /= spread[:, None, None, None]
        last.bias /= spread
    return model


@pytest.fixture
def evaluate(run):
    """Runs `mannequin evaluate` without loading processes; returns (exit status, standard output, standard error)."""
    return lambda *args: run("evaluate", *args, "--workers", 0)


@pytest.fixture
def folder(tmp_path):
    """Five painted images of several sizes, whose masks are wrong here and there."""
    rng = np.random.default_rng(1)
    pairs = []
    for k, (h, w) in enumerate([(SIZE, SIZE), (SIZE, 20), (24, SIZE), (SIZE, SIZE), (SIZE, SIZE)]):
        predicted = blocks(rng, h, w)
        truth = np.where(rng.random((h, w)) < 0.3, blocks(rng, h, w), predicted).astype(np.uint8)
        truth[: h // 4][rng.random((h // 4, w)) < 0.5] = 255
        write_pair(tmp_path / "photos", f"person{k % 2}/{k}", painted(predicted), truth)
        pairs.append((f"person{k % 2}/{k}", truth, predicted))
    return tmp_path / "photos", sorted(pairs)


# Results


def test_results_are_those_of_counting_by_hand(folder):
    root, pairs = folder
    found = measured(MaskedImages(root, MaskLayout(), "all", SIZE))
    iou, recall = counted([(truth, predicted) for _, truth, predicted in pairs])
    assert found.n == 5
    assert np.allclose(list(found.classes["iou"].values()), iou) and tuple(found.classes["iou"]) == (
        "background",
        *PARTS_14,
    )
    assert np.allclose(list(found.classes["recall"].values()), recall)
    assert np.isclose(found.results["iou"], iou[1:].mean()) and np.isclose(found.results["accuracy"], recall[1:].mean())
    labelled = np.concatenate([(t == p)[t != 255] for _, t, p in pairs])
    assert np.isclose(found.results["pixels"], labelled.mean()) and 0.5 < labelled.mean() < 0.9


def test_maps_are_interpolated_to_the_pixels_of_the_image(tmp_path):
    rng = np.random.default_rng(2)
    image, truth = blocks(rng, 2 * SIZE, 2 * SIZE), blocks(rng, 2 * SIZE, 2 * SIZE)
    write_pair(tmp_path, "large", painted(image), truth)
    seen = (painted(image)[::2, ::2] / 255 - MEAN) / STD  # blocks of 4 are averages of 2 × 2 as well
    seen = torch.from_numpy(seen).float().movedim(-1, 0)[None]
    model = lively(SEGMENTATION, seen)
    with torch.no_grad():
        scores = model(seen).stacks[-1]
    predicted = F.interpolate(scores, scale_factor=8, mode="bilinear", align_corners=False)[0].argmax(0).numpy()
    assert len(np.unique(predicted)) > 8
    iou, _ = counted([(truth, predicted)])
    found = measured(MaskedImages(tmp_path, MaskLayout(), "all", SIZE), model)
    assert np.allclose(list(found.classes["iou"].values()), iou, equal_nan=True, atol=1e-3)


@pytest.mark.parametrize("task", [SEGMENTATION, DEPTH], ids=lambda task: task.name)
def test_the_batch_does_not_decide_the_results(tmp_path, task):
    root = balls(tmp_path / "balls", [{"frames": 7, "people": 2}])
    data = frames_of(root, task)
    model = lively(task)
    found = [measured(data, model, task, batch=batch, shown=2) for batch in (1, 4, 64)]
    assert {f.n for f in found} == {14}
    for other in found[1:]:
        assert other.results == pytest.approx(found[0].results, rel=1e-4, nan_ok=True)
        assert [j.id for j in other.worst] == [j.id for j in found[0].worst]


def test_depth_over_samples_is_that_of_one_meter_over_all(tmp_path):
    root = balls(tmp_path / "balls", [{"frames": 5}])
    data, model = frames_of(root, DEPTH), lively(DEPTH)
    batch = DEPTH.collate([data[0, k] for k in range(len(data))])
    meter = DEPTH.meter()
    with torch.no_grad():
        meter.update(model(batch["image"]), batch)
    found = measured(data, model, DEPTH, batch=2)
    assert found.results == pytest.approx(meter.result()) and found.results["rmse"] > 10
    assert found.classes["rmse"] == pytest.approx(meter.per_class()["rmse"], nan_ok=True)


def test_worst_are_the_worst_and_even_are_spread(folder):
    root, pairs = folder
    found = measured(MaskedImages(root, MaskLayout(), "all", SIZE), shown=2, batch=3)
    scores = {name: counted([(t, p)])[0][1:] for name, t, p in pairs}
    order = sorted(scores, key=lambda name: np.nanmean(scores[name]))
    assert [judged.id for judged in found.worst] == order[:2]
    assert [judged.score for judged in found.worst] == pytest.approx([np.nanmean(scores[name]) for name in order[:2]])
    assert [judged.id for judged in found.even] == [pairs[k][0] for k in evenly(5, 2)]
    judged = found.even[0]
    truth, predicted = next((t, p) for name, t, p in pairs if name == judged.id)
    if truth.shape == (SIZE, SIZE):
        labelled = (truth != 255)[..., None]
        assert (
            np.array_equal(judged.row["truth"], COLOURS[np.where(truth == 255, 0, truth)])
            and np.array_equal(judged.row["prediction"], COLOURS[predicted])
            and np.array_equal(judged.row["image"], painted(predicted))
            and np.array_equal(
                (judged.row["error"] == HIDDEN).all(-1), ((truth != predicted)[..., None] & labelled)[..., 0]
            )
        )


def test_evenly():
    assert evenly(10, 0) == list(range(10)) == evenly(10, 99)
    assert evenly(10, 2) == [2, 7] and evenly(9, 1) == [4] and evenly(0, 3) == []


# Images with masks


def test_a_wide_image_lies_in_the_middle_of_its_square(tmp_path):
    labels = np.full((20, SIZE), 3, np.uint8)
    write_pair(tmp_path, "wide", painted(labels), labels)
    sample = MaskedImages(tmp_path, MaskLayout(), "all", SIZE)[0, 0]
    assert (
        (sample["parts"][6:26] == 3).all()
        and (sample["parts"][:6] == 255).all()
        and (sample["parts"][26:] == 255).all()
    )
    image = to_rgb(sample["image"])
    assert (image[6:26] == painted(labels)).all() and not image[:6].any() and not image[26:].any()


def test_the_24_parts_are_merged(tmp_path):
    labels = np.arange(25, dtype=np.uint8)[None].repeat(25, 0)
    write_pair(tmp_path, "all", painted(labels * 0), labels)
    sample = MaskedImages(tmp_path, MaskLayout(coding="parts24"), "all", SIZE)[0, 0]
    assert np.array_equal(sample["parts"], MERGE_14[labels])


def test_masks_may_hold_colours_or_values_of_their_own(tmp_path):
    colours = np.zeros((8, 8, 3), np.uint8)
    colours[:4], colours[4:, :4] = (255, 0, 10), (0, 7, 0)
    write_pair(tmp_path, "a", np.zeros((8, 8, 3), np.uint8), colours)
    write_pair(tmp_path, "b", np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 77, np.uint8))
    names = {"255,0,10": "head", "0,7,0": "leftFoot", "0,0,0": "ignore", "77": "torso"}
    data = MaskedImages(tmp_path, MaskLayout(coding="labels", labels=names), "all", SIZE)
    colours, values = data[0, 0]["parts"], data[0, 1]["parts"]
    assert (
        (colours[:4] == 1).all()
        and (colours[4:, :4] == 14).all()
        and (colours[4:, 4:] == 255).all()
        and (values == 2).all()
    )


def test_images_and_masks_may_share_a_folder(tmp_path):
    for name, value in (("x", 0), ("x_mask", 5)):
        Image.fromarray(np.full((8, 8), value, np.uint8)).save(tmp_path / f"{name}.png")
    data = MaskedImages(tmp_path, MaskLayout(images=".", masks=".", mask_ending="_mask"), "all", SIZE)
    assert len(data) == 1 and data[0, 0]["id"] == "x" and (data[0, 0]["parts"] == 5).all()


@pytest.mark.parametrize(
    "change, says",
    [
        (
            lambda root: (root / "masks" / "person0" / "2.png").unlink(),
            "no mask for 1 of 5 images, the first 'person0/2'",
        ),
        (
            lambda root: write_pair(root, "person0/2", np.zeros((9, 9), np.uint8), np.zeros((9, 8), np.uint8)),
            "9 × 9 pixels (height × width), its mask",
        ),
        (
            lambda root: write_pair(root, "person0/2", np.zeros((9, 9), np.uint8), np.full((9, 9), 16, np.uint8)),
            "2.png holds the labels 16; known are 0; 1;",
        ),
        (
            lambda root: (root / "masks" / "person0" / "2.png").write_bytes(b"\x89PNG rubbish"),
            "is not an image that can be read",
        ),
        (lambda root: (root / "images" / "person0" / "2.jpg").write_bytes(b""), "have the same name"),
        (lambda root: (root / "images").rename(root / "pictures"), "There is no folder"),
        (lambda root: (root / "masks.json").write_text("{"), "is not JSON"),
        (lambda root: (root / "masks.json").write_text('{"mask": "x"}'), "unknown field 'mask'"),
        (
            lambda root: (root / "masks.json").write_text('{"coding": "labels", "labels": {"1": "nose"}}'),
            "expected one of background, head",
        ),
        (
            lambda root: (root / "masks.json").write_text('{"coding": "labels", "labels": {"red": "head"}}'),
            "expected a value such as",
        ),
        (lambda root: (root / "masks.json").write_text('{"images": "../elsewhere"}'), "leads out of its folder"),
        (lambda root: (root / "masks.json").write_text('{"images": "masks"}'), "need a mask_ending"),
    ],
)
def test_what_is_wrong_with_images_and_masks_is_named(folder, change, says):
    root, _ = folder
    change(root)
    with pytest.raises(MannequinError) as error:
        data = open_data("masks", [root], SEGMENTATION, {}).data
        [data[0, k] for k in range(len(data))]
    assert says in str(error.value)


# Freiburg Sitting People


CODES = {"0": "background", "200": "head", "210": "torso", "220": "leftThigh", "230": "rightThigh"}


def test_sitting_people_are_measured_on_their_test_subjects_with_the_papers_figures(tmp_path, evaluate):
    rng, root = np.random.default_rng(3), tmp_path / "Sitting"
    for k in range(6):
        mask = rng.choice(np.array([int(code) for code in CODES], np.uint8), (SIZE, SIZE))
        write_pair(root, f"subject{k}/frame", rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8), mask)
    (root / "masks.json").write_text(
        json.dumps(
            {
                "coding": "labels",
                "labels": CODES,
                "splits": {"train": ["subject0/*", "subject1/*"], "test": [f"subject{k}/*" for k in (2, 3, 4, 5)]},
            }
        )
    )
    checkpoint(tmp_path / "run")
    status, out, _ = evaluate(tmp_path / "run", "--data", root, "--protocol", "fsitting")
    record = json.loads((tmp_path / "run" / "evaluations" / "fsitting-Sitting.json").read_text())
    assert status == 0 and record["n"] == 4
    iou = record["classes"]["iou"]
    upper_legs = (iou["leftThigh"] + iou["rightThigh"]) / 2
    assert (record["results"]["iou_head"], record["results"]["iou_upper_legs"]) == (iou["head"], upper_legs)
    assert "59.58" in out and "thesis, Table 3.2" in out and "n = 4 " in out + " "
    data = open_data("fsitting", [root], SEGMENTATION, {}, split="train").data
    assert [data[0, k]["id"] for k in range(len(data))] == ["subject0/frame", "subject1/frame"]


def test_nothing_is_guessed_about_sitting_people(folder):
    root, _ = folder
    with pytest.raises(DatasetError, match="There is no .*masks.json.*wrong guess.*University of Freiburg"):
        open_data("fsitting", [root], SEGMENTATION, {})
    (root / "masks.json").write_text('{"splits": {"train": ["person0/*"]}}')
    with pytest.raises(DatasetError, match="does not say which images are of the split 'test'"):
        open_data("fsitting", [root], SEGMENTATION, {})
    (root / "masks.json").write_text('{"splits": {"test": ["subject*"]}}')
    with pytest.raises(DatasetError, match="one is called 'person0/0'"):
        open_data("fsitting", [root], SEGMENTATION, {})


# Clips


def balls(root, clips):
    """A dataset of ball clips with options ``clips``."""
    dataset = create_or_resume(root, {"of": "tests"}, len(clips))
    for index, options in enumerate(clips):
        split = options.pop("split", "train")
        clip = ball_clip(**({"resolution": (60, 80)} | options), index=index, name=f"clip{index}")
        write_clip(dataset.path_of(index), replace(clip, spec=replace(clip.spec, split=split)), rgb="png")
    return root


def ids(opened):
    return [opened.data[0, k]["id"] for k in range(len(opened.data))]


def test_surreal_is_measured_on_the_middle_frames_of_its_test_clips(tmp_path):
    pytest.importorskip("av")
    for split, clips in (("train", 1), ("test", 2)):
        balls(tmp_path / split, [{"frames": 5, "resolution": (240, 320)} for _ in range(clips)])
        export_surreal(open_dataset(tmp_path / split), tmp_path / "cmu" / split / "run0")
    opened = open_data("surreal", [tmp_path / "cmu"], SEGMENTATION, {})
    assert len(opened.data) == 2
    assert all(name.startswith("test/run0/") and name.endswith("/2") for name in ids(opened))
    assert "middle frame" in opened.protocol and "'test'" in opened.protocol


def test_surreal_without_its_test_split_says_what_there_is(tmp_path):
    root = balls(tmp_path / "data", [{"split": "train"}])
    with pytest.raises(DatasetError, match="no clips of the split 'test'.*'train'"):
        open_data("surreal", [root], SEGMENTATION, {})
    with pytest.raises(DatasetError, match="There is no .*nowhere.*di.ens.fr"):
        open_data("surreal", [tmp_path / "nowhere"], SEGMENTATION, {})


def test_human36m_is_every_64th_frame_of_its_test_subject(tmp_path):
    for subject, name in (("S9", "Eating.1"), ("S11", "Walking.54138969"), ("S11", "Walking_1.60457274")):
        balls(
            tmp_path / subject / name,
            [{"frames": 130 if subject == "S11" else 1, "resolution": (24, 32), "focal": 20.0}],
        )
    opened = open_data("h36m", [tmp_path], DEPTH, {})
    clips = ("Walking.54138969", "Walking_1.60457274")
    assert ids(opened) == [f"{clip}/000000/camera/person0/{t}" for clip in clips for t in (0, 64, 128)]
    assert "S11: 2 clips, every 64th frame" in opened.protocol
    assert len(open_data("h36m", [tmp_path], DEPTH, {}, split="val", every=1).data) == 1
    with pytest.raises(
        DatasetError,
        match="no clips of S1, S5, S6, S7, S8, of the split 'train'; it has the folders S11, S9.*mannequin label",
    ):
        open_data("h36m", [tmp_path], DEPTH, {}, split="train")


def test_own_data_are_measured_on_what_training_held_out(tmp_path):
    root = balls(tmp_path / "own", [{"frames": 2} for _ in range(6)])
    trained = {"train": [str(root)], "val": [], "options": {"val_share": 0.4}}
    held = {f"{k:06d}" for k in range(6) if split_of(f"clip{k}", "", Selection(val_share=0.4)) == "val"}
    opened = open_data("native", [root], SEGMENTATION, trained)
    assert {name.split("/")[0] for name in ids(opened)} == held and 0 < len(held) < 6
    assert opened.note == "" and "held out" in opened.protocol
    everything = open_data("native", [root], SEGMENTATION, trained, split="all")
    assert len(everything.data) == 12 and "too good" in everything.note
    assert "too good" in open_data("native", [root], SEGMENTATION, trained | {"val": ["others"]}).note
    other = open_data("native", [root], SEGMENTATION, trained | {"train": [str(tmp_path / "another")]})
    assert len(other.data) == 12 and other.note == ""
    assert len(open_data("native", [root], SEGMENTATION, {}, every=2).data) == 6


# Refusals


@pytest.mark.parametrize("protocol", ["fsitting", "masks"])
def test_masks_of_parts_do_not_measure_depth(folder, protocol):
    with pytest.raises(
        ConfigError, match=f"of the task 'depth', which is measured by depth_bins; .*'{protocol}' give parts"
    ):
        open_data(protocol, [folder[0]], DEPTH, {})


def test_what_a_protocol_does_not_know_is_refused(folder):
    root, _ = folder
    for options, says in (
        (("h36m", [root], SEGMENTATION, {}, "all"), "no split 'all'"),
        (("masks", [root], SEGMENTATION, {}, "", 2), "--every 2 has no meaning"),
        (("masks", [root, root], SEGMENTATION, {}), "takes one folder"),
        (("pascal", [root], SEGMENTATION, {}), "Unknown protocol"),
    ):
        with pytest.raises(ConfigError, match=says):
            open_data(*options)


def test_a_missing_gpu_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto") == CPU
    with pytest.raises(ConfigError, match="no CUDA device"):
        device_of("cuda")


def test_used_up_memory_says_which_option_helps(folder):
    class Hungry(nn.Module):
        def forward(self, image):
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."
            )

    with pytest.raises(TrainingError, match="Lower --batch 3"):
        measured(MaskedImages(folder[0], MaskLayout(), "all", SIZE), Hungry(), batch=3)


# The command


def test_the_command_leaves_tables_pictures_and_a_record(tmp_path, evaluate):
    root = balls(tmp_path / "balls [1]", [{"frames": 4}, {"frames": 3}])
    folder = checkpoint(tmp_path / "run", data={"train": ["elsewhere"]})
    status, out, err = evaluate(
        tmp_path / "run", "--data", root, "--limit", 5, "--pictures", tmp_path / "looks", "--device", "cpu"
    )
    assert status == 0, err
    record = json.loads((tmp_path / "run" / "evaluations" / "native-balls__1_.json").read_text())
    assert (record["n"], record["available"], record["task"], record["protocol"]) == (5, 7, "segmentation", "native")
    assert record["checkpoint"]["sha256"] == hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    assert record["checkpoint"]["step"] == 4 and record["versions"]["torch"] and record["data"] == [str(root)]
    task, model, _ = load_trained(folder)
    data = frames_of(root, SEGMENTATION)
    again = measure(task, model, data, evenly(7, 5), device=CPU)
    assert record["results"] == pytest.approx(
        {k: None if np.isnan(v) else v for k, v in again.results.items()}, rel=1e-5
    )
    for name in ("even", "worst"):
        assert np.asarray(Image.open(tmp_path / "looks" / f"{name}.png")).std() > 10
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert (
        f"IoU, 14 parts % {100 * record['results']['iou']:.2f} 69.13" in lines
    )  # ours and theirs, in columns of their own
    assert any("n = 5 of 7" in line for line in lines) and any("Other data than ours" in line for line in lines)
    assert sum(line.split(" ")[0] in PARTS_14 for line in lines) == 14


def test_the_record_may_go_elsewhere(tmp_path, evaluate, folder):
    checkpoint(tmp_path / "run")
    status, out, _ = evaluate(
        tmp_path / "run", "--data", folder[0], "--protocol", "masks", "--json", tmp_path / "found" / "here.json"
    )
    assert status == 0 and json.loads((tmp_path / "found" / "here.json").read_text())["published"] is None
    assert "published" not in out and not (tmp_path / "run" / "evaluations").exists()


def test_depth_is_printed_in_millimetres(tmp_path, evaluate):
    root = balls(tmp_path / "balls", [{"frames": 2}])
    checkpoint(tmp_path / "run", "depth")
    status, out, _ = evaluate(tmp_path / "run", "--data", root, "--split", "train")
    record = json.loads((tmp_path / "run" / "evaluations" / "native-balls.json").read_text())
    assert status == 0
    assert f"RMSE mm {record['results']['rmse']:.1f} 72.9" in [" ".join(line.split()) for line in out.splitlines()]


def test_mistakes_end_with_status_two_and_write_nothing(tmp_path, evaluate, folder):
    checkpoint(tmp_path / "run")
    checkpoint(tmp_path / "deep", "depth")
    (folder[0] / "masks" / "person1" / "3.png").write_bytes(b"")
    for args, says in (
        ((tmp_path / "none", "--data", folder[0]), "There is no checkpoint in"),
        ((tmp_path / "run", "--data", tmp_path / "none"), "There is no "),
        ((tmp_path / "run", "--data", folder[0]), "holds no clips"),
        ((tmp_path / "deep", "--data", folder[0], "--protocol", "masks"), "of the task 'depth'"),
        ((tmp_path / "run", "--data", folder[0], "--protocol", "masks"), "person1/3.png"),
        ((tmp_path / "run", "--data", folder[0], "--batch", 0), "--batch is 0"),
        ((tmp_path / "run", "--data"), "No data is given"),
    ):
        status, out, err = evaluate(*args)
        assert (status, out) == (2, "") and says in err, err
    assert not (tmp_path / "run" / "evaluations").exists()


def test_a_checkpoint_of_an_unknown_task_is_refused(tmp_path, evaluate):
    folder = checkpoint(tmp_path / "run")
    state = json.loads((folder / "state.json").read_text())
    state["state"]["run"]["task"] = "toy"
    (folder / "state.json").write_text(json.dumps(state))
    status, _, err = evaluate(tmp_path / "run", "--data", tmp_path)
    assert status == 2 and "of the task 'toy'" in err


def test_published_figures_are_of_known_names_and_tasks():
    tasks = (SEGMENTATION, DEPTH)
    for protocol, several in PUBLISHED.items():
        assert protocol in PROTOCOLS
        for published in several:
            names = {name for values in published.columns.values() for name in values}
            fits = [task for task in tasks if names <= set(task.meter().figures)]
            assert names and len(fits) == 1
            assert published_for(protocol, fits[0].meter().figures) is published
    assert published_for("native", DEPTH.meter().figures) is published_for("surreal", DEPTH.meter().figures)
    assert published_for("masks", SEGMENTATION.meter().figures) is None is published_for("h36m", {"other"})


def test_a_layout_is_optional(tmp_path):
    assert read_layout(tmp_path) is None
