"""Experiments: what they compare, what they learn from, that runs are made once, and what is said of them."""

import itertools
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mannequin.cli.main import parse
from mannequin.generator.catalog import Catalog, members
from mannequin.generator.colours import part_colours
from mannequin.generator.errors import ConfigError
from mannequin.generator.motion.procedural import ACTIONS
from mannequin.generator.pictures import GAP
from mannequin.renderers.choice import open_renderer
from mannequin.training.data.clips import ClipSamples
from mannequin.training.experiments import datasets, domains
from mannequin.training.experiments.campaign import SETTINGS, campaign, chains
from mannequin.training.experiments.contact_sheet import sheet
from mannequin.training.experiments.datasets import ExperimentData, make
from mannequin.training.experiments.page import markdown, plot
from mannequin.training.experiments.plans import EXPERIMENTS, Part, plan
from mannequin.training.experiments.runs import result_path, run_chain, run_folder
from mannequin.training.experiments.scale import Scale
from mannequin.training.experiments.statistics import mean_and_reach, paired
from mannequin.training.options.hourglass import HourglassOptions
from mannequin.training.registry import make_task

TINY = Scale(
    real=(1, 2), real_pool=3, test=2, clips=(1, 2), frames=1, outfits=(1, 2), outfit_clips=3,
    image=64, steps=2, more_steps=1, batch=2, features=8, size=64,
)  # fmt: skip


def rasterised(name, catalog):
    """Renders all domains, for path tracing takes long."""
    return open_renderer("raster", catalog)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("experiments")


@pytest.fixture(scope="module")
def outcome(out):
    return campaign("pretraining", "segmentation", 2, out, TINY, rasterised, workers=1)


# Statistics


def test_intervals_are_those_of_the_paired_t_test():
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.3, 0.1, 5), rng.normal(0.2, 0.1, 5)
    theirs = stats.ttest_rel(a, b).confidence_interval(0.95)
    ours = paired(a, b)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.mean == pytest.approx(np.mean(a) - np.mean(b))


def test_the_interval_of_five_in_closed_form():
    mean, reach = mean_and_reach([1, 2, 3, 4, 5])  # deviation √2.5; Student's t of 4 degrees of freedom
    assert mean == 3 and reach == pytest.approx(2.776445 * np.sqrt(2.5 / 5), rel=1e-6)


@pytest.mark.parametrize(
    ("values", "verdict"), [((0.1, 0.2, 0.15), "holds"), ((-0.1, -0.2, -0.15), "contrary"), ((0.1, -0.2, 0.3), "open")]
)
def test_a_verdict_says_on_which_side_of_zero_the_interval_is(values, verdict):
    assert paired(values, np.zeros(3)).verdict == verdict


def test_one_seed_has_no_interval():
    with pytest.raises(ConfigError, match="--seeds"):
        paired([0.5], [0.4])


# Plans


def test_the_directions_are_those_fixed_beforehand():
    said = {name: [(d.better, d.worse) for d in plan(name, Scale()).directions] for name in EXPERIMENTS}
    assert said == {
        "pretraining": [(f"synth+real-{n}", f"real-{n}") for n in (5, 50)],
        "finetuning": [(f"tuned-{n}", f"real-{n}") for n in (5, 50)],
        "amount": [("synth-40", "synth-4"), ("synth-400", "synth-40"), ("synth-400", "synth-4")],
        "clothing": [("outfits-10", "outfits-1"), ("outfits-50", "outfits-10"), ("outfits-50", "outfits-1")],
    }


def test_directions_are_of_arms_and_every_arm_is_run_once_a_seed():
    for name in EXPERIMENTS:
        experiment = plan(name, Scale())
        arms = {arm.name: arm for arm in experiment.arms}
        assert len(arms) == len(experiment.arms)
        assert all({d.better, d.worse} <= set(arms) for d in experiment.directions)
        made = [(c.seed, c.first, then) for c in chains(experiment.arms, "depth", 3) for then in c.thens]
        assert sorted(map(str, made)) == sorted(str((s, a.first, a.then)) for s in range(3) for a in experiment.arms)


@pytest.mark.parametrize(
    "wrong", [{"real": (5, 5)}, {"clips": ()}, {"steps": 0}, {"real_pool": 20}, {"outfit_clips": 20}]
)
def test_impossible_scales_are_refused(wrong):
    with pytest.raises(ConfigError, match=f"--{next(iter(wrong)).replace('_', '-').split('-')[0]}"):
        Scale(**wrong)


# Domains and their clips


def test_the_domains_share_nothing():
    catalog = Catalog()
    for items in (catalog.textures, catalog.environments):
        assert not set(members(items, "train")) & set(members(items, "test"))
    synth, real = domains.synthetic(64, 1), domains.stand_in(64)
    assert (synth.sample.split, real.sample.split) == ("train", "test")
    assert (synth.sample.light, real.sample.light) == ("sh", "hdri")
    assert sorted(domains.MOTIONS + domains.REAL_MOTIONS) == sorted(ACTIONS)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Specs of all that TINY needs; nothing is rendered."""
    data = ExperimentData(tmp_path_factory.mktemp("drawn"), TINY)
    sets = {
        "test": data.test("real"),
        "synth test": data.test("synth"),
        "real": data.pool("real"),
        "synth": data.pool("synth"),
    }
    return {name: clips.draw() for name, clips in sets.items()}


def test_nobody_to_learn_from_wears_what_the_test_set_wears(drawn):
    test = domains.worn(drawn["test"])
    assert test and test.isdisjoint(domains.worn(drawn["real"])) and test.isdisjoint(domains.worn(drawn["synth"]))
    shapes = {name: {p.betas for s in specs for p in s.people} for name, specs in drawn.items()}
    assert shapes["synth"].isdisjoint(shapes["test"])
    assert {s.background.environment for s in drawn["synth"]}.isdisjoint(
        s.background.environment for s in drawn["test"]
    )


def test_clothes_of_the_test_set_are_passed_over(drawn):
    domain, catalog = domains.stand_in(64), Catalog(domains.stand_in(64).assets)
    first, second = domains.draw(domain, catalog, "real", 2)
    kept = domains.draw(domain, catalog, "real", 1, avoid=domains.worn([first]))
    assert kept == [second]


def test_subsets_are_nested_and_seeds_take_their_own(tmp_path):
    scale = Scale()
    data = ExperimentData(tmp_path, scale)
    for kind, counts in (("synth", scale.clips), ("real", scale.real)):
        for seed in range(3):
            chosen = [set(data.learning(Part(kind, n), seed)) for n in counts]
            assert [len(some) for some in chosen] == list(counts)
            assert all(few < many for few, many in itertools.pairwise(chosen))
            assert chosen[-1].isdisjoint(data.test("real").paths)
        assert data.learning(Part(kind, counts[0]), 0) != data.learning(Part(kind, counts[0]), 1)


def test_outfits_are_as_many_as_said_and_nothing_else_changes(tmp_path):
    scale = replace(TINY, outfits=(1, 2, 4), outfit_clips=8)
    data = ExperimentData(tmp_path, scale)
    specs = {n: data.outfits(n, seed=3).draw() for n in scale.outfits}
    for n, some in specs.items():
        wear = [s.people[0].appearance.texture for s in some]
        assert sorted(wear.count(outfit) for outfit in set(wear)) == [8 // n] * n
    assert domains.worn(specs[1]) < domains.worn(specs[2]) < domains.worn(specs[4])
    naked = [
        [replace(s, people=(replace(s.people[0], appearance=specs[1][0].people[0].appearance),)) for s in some]
        for some in specs.values()
    ]
    assert naked[0] == naked[1] == naked[2]
    assert domains.worn(specs[4]) <= set(members(Catalog().textures, "train"))
    assert domains.worn(data.outfits(4, seed=4).draw()) != domains.worn(specs[4])


def test_a_camera_of_faults_blurs_and_adds_noise():
    edge = np.zeros((64, 64, 3), np.uint8)
    edge[:, 32:] = 128
    shots = [
        photograph.astype(float)
        for photograph in (domains.photographed(edge, np.random.default_rng(k)) for k in range(40))
    ]
    mean = np.mean(shots, axis=0)[..., 1]
    assert 8 < mean[:, 31].mean() < 64 < mean[:, 32].mean() < 120  # the edge is soft
    assert abs(mean[:, 48:].mean() - 128) < 2  # and no light is lost
    assert np.median([shot[:, 40:].std() for shot in shots]) > 4
    assert np.array_equal(domains.photographed(edge, np.random.default_rng(0)), shots[0])


def test_samples_in_memory_are_those_of_the_files(out, outcome):
    paths = ExperimentData(out / "data", TINY).test("synth").paths
    task = make_task("depth", HourglassOptions(size=64))
    ours = datasets.samples(paths, task, augment=True, seed=5)
    theirs = ClipSamples([str(p) for p in paths], task.needs, task.targets, augment=True, seed=5, size=64)
    assert len(ours) == len(theirs) == TINY.test
    for _ in ("read", "kept"):
        for name, value in theirs[3, 1].items():
            assert np.array_equal(ours[3, 1][name], value)


# Runs


def test_all_arms_are_measured_at_every_seed(out, outcome):
    assert set(outcome.runs) == {"synth", "real-1", "synth+real-1", "real-2", "synth+real-2"}
    for arm in outcome.experiment.arms:
        assert [run["seed"] for run in outcome.runs[arm.name]] == [0, 1]
        assert all(0 <= v <= 1 for kind in ("real", "synth") for v in outcome.values(arm, kind))
    for direction, gain in outcome.gains.items():
        better, worse = (
            [run["metrics"]["real"]["iou"] for run in outcome.runs[name]]
            for name in (direction.better, direction.worse)
        )
        assert gain.differences == pytest.approx(np.subtract(better, worse))


def test_every_arm_trains_for_as_many_steps(out, outcome):
    states = [json.loads(path.read_text()) for path in out.glob("runs/**/step-*/*.json")]
    steps = sorted(state["state"]["step"] for state in states)
    firsts = 2 * 3  # seeds × what arms begin with
    assert steps == [1] * len(outcome.experiment.arms) * 2 + [2] * firsts


def test_finetuning_sees_real_images_for_as_long_as_training_on_them_alone(out, outcome, tmp_path):
    copy = shutil.copytree(out, tmp_path / "more")
    tuned = campaign("finetuning", "segmentation", 2, copy, TINY, rasterised, workers=1)
    assert tuned.runs["real-1"] == outcome.runs["real-1"]  # not trained again
    new = {path.relative_to(copy) for path in copy.glob("runs/**/step-*/*.json")} - {
        path.relative_to(out) for path in out.glob("runs/**/step-*/*.json")
    }
    states = [json.loads((copy / path).read_text()) for path in new]
    assert [state["state"]["step"] for state in states] == [TINY.steps + TINY.more_steps] * 2 * len(TINY.real)


def test_finished_runs_are_not_repeated(out, outcome, monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("trained again")

    monkeypatch.setattr("mannequin.training.experiments.runs.train", refuse)
    again = campaign("pretraining", "segmentation", 2, out, TINY, rasterised, workers=1)
    assert again.runs == outcome.runs


def test_a_lost_result_comes_back_the_same(out, outcome):
    chain = chains(outcome.experiment.arms, "segmentation", 1)[0]
    path = result_path(out, "segmentation", 0, chain.first, chain.thens[-1])
    before = json.loads(path.read_text())
    path.unlink()
    assert run_chain(chain, out, TINY) == [path]
    after = json.loads(path.read_text())
    assert before.pop("seconds") >= 0 and after.pop("seconds") >= 0 and after == before


def test_missing_clips_alone_are_made(out, outcome):
    clips = ExperimentData(out / "data", TINY).test("synth")
    assert clips.missing() == []
    before = [path.stat().st_mtime_ns for path in clips.paths]
    clips.paths[1].unlink()
    assert [planned.path for planned in clips.missing()] == [clips.paths[1]]
    assert make(clips.missing(), rasterised) == 1
    assert clips.missing() == [] and clips.paths[0].stat().st_mtime_ns == before[0]


def test_only_the_stand_in_goes_through_the_camera(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(datasets.domains, "photographed", lambda rgb, rng: seen.append(rgb) or rgb)
    data = ExperimentData(tmp_path, TINY)
    make(data.test("synth").missing()[:1], rasterised)
    assert not seen
    make(data.test("real").missing()[:1], rasterised)
    assert len(seen) == 1 and seen[0].shape == (64, 64, 3)


def test_another_scale_is_refused_in_the_same_folder(out, outcome):
    with pytest.raises(ConfigError, match="steps: 2 there, 3 now"):
        campaign("pretraining", "segmentation", 2, out, replace(TINY, steps=3), rasterised, workers=1)


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConfigError, match=SETTINGS):
        campaign("amount", "depth", 2, tmp_path, TINY, rasterised, workers=1)


# What is said of them


def test_the_page_says_what_was_found(outcome):
    page = markdown(outcome)
    assert outcome.experiment.expected in page
    arm = outcome.experiment.arms[0]
    mean, reach = mean_and_reach([100 * v for v in outcome.values(arm)])
    assert f"| {arm.name} | {mean:.1f} ± {reach:.1f} |" in page
    for direction, gain in outcome.gains.items():
        line = next(
            line for line in page.splitlines() if line.startswith(f"| {direction.better} | {direction.worse} |")
        )
        assert f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}" in line and line.endswith(f"| {gain.verdict} |")


def test_depth_errors_gain_by_falling(outcome):
    from mannequin.training.experiments.campaign import Outcome

    worse, better = (
        [{"metrics": {"real": {"rmse": v}, "synth": {"rmse": v}}} for v in values] for values in ((90, 91), (80, 82))
    )
    directions = {d: paired([-80, -82], [-90, -91]) for d in outcome.experiment.directions}
    runs = {arm.name: better if "+" in arm.name else worse for arm in outcome.experiment.arms}
    page = markdown(Outcome(outcome.experiment, "depth", TINY, "rmse", -1, runs, directions))
    assert "| synth+real-1 | real-1 | +9.5 |" in page and "RMSE, mm" in page


def test_the_plot_has_a_dot_for_every_run(outcome):
    import xml.etree.ElementTree as ET

    tree = ET.fromstring(plot(outcome))
    dots = tree.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(dots) == 2 * len(outcome.experiment.arms)
    assert all(0 <= float(dot.get("cx")) <= 560 and 0 <= float(dot.get("cy")) <= 340 for dot in dots)


def test_the_picture_has_a_column_for_every_network_that_is_there(out, outcome, tmp_path):
    picture = sheet(outcome, out)
    copy = shutil.copytree(out, tmp_path / "less")
    arm = outcome.experiment.arms[-1]
    shutil.rmtree(run_folder(copy, "segmentation", 0, arm.first, arm.then))
    narrower = sheet(outcome, copy)
    column = picture.shape[1] - narrower.shape[1]
    columns = len(outcome.experiment.arms) + 2
    assert picture.shape[1] == columns * column - GAP  # as wide as all, with a gap between them
    titles = 27  # pixels
    truth, drawn = (
        picture[titles : titles + column - GAP, column : 2 * column - GAP],
        picture[titles : titles + column - GAP, 2 * column : 3 * column - GAP],
    )
    known = {tuple(colour) for colour in part_colours(parts=14)}
    assert len(np.unique(truth.reshape(-1, 3), axis=0)) > 5  # a person
    assert {tuple(c) for c in np.concatenate([truth, drawn]).reshape(-1, 3)} <= known


def test_the_command_takes_the_scale():
    command = parse(["experiment", "clothing", "--outfits", "1", "2", "--steps", "5", "--task", "depth"])
    assert (command.scale.outfits, command.scale.steps, command.task, command.seeds) == ((1, 2), 5, "depth", 5)
