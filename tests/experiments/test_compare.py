"""Comparisons: fair by construction, resumed where they stopped, the same in several processes."""

import functools

import pytest
import torch

from mtl_utils import balancing, datasets, experiments, models, penalties, training
from mtl_utils.evaluation import evaluate
from mtl_utils.experiments import Way, compare
from mtl_utils.experiments.results import ResultsFile


def shared(encoder, data):
    return lambda seed: models.hard_sharing(encoder, data, seed=seed)


def quick(ways, data, **more):
    return compare(ways, data, **{"seeds": (0, 1), "updates": 3, "batch_size": 32, "progress": False, "device": "cpu"} | more)


def test_a_row_says_what_fit_and_evaluate_say(two_digits, encoder):
    table = quick({"hard": shared(encoder, two_digits)}, two_digits, measure=("val", "test"), validate_every=2)
    assert len(table) == 1 * 2 * 2 * 2
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    model = models.hard_sharing(encoder, two_digits, seed=1)
    history = training.fit(model, two_digits, steps=3, batch_size=32, validate_every=2, seed=1, device="cpu", progress=False)
    torch.set_num_threads(before)
    expected = evaluate(model, two_digits.test)
    rows = table[(table.seed == 1) & (table.split == "test")].set_index("task")
    for task in ("left", "right"):
        assert rows.metric[task] == expected.metrics[task]
        assert rows.loss[task] == expected.losses[task]
        assert rows.labels[task] == 320
        assert rows.exposure[task] == pytest.approx(3 / 10)
    assert set(table.best_step[table.seed == 1]) == {history.best_step}
    assert set(table.updates) == {3}


def test_the_baseline_sees_all_images_that_are_labelled_for_its_task_in_full_batches(digits, encoder):
    few = digits.with_train(datasets.with_few_labels(digits.train, "digit", 20)).for_tasks("digit", "even")
    table = quick({}, few, baseline="single", encoder=encoder, updates=4)
    rows = table[table.seed == 0].set_index("task")
    assert set(table.way) == {"single"}
    assert rows.exposure["digit"] == 4  # every update sees all its 20 labels
    assert rows.exposure["even"] == pytest.approx(4 * 32 / 300)
    assert rows.updates["digit"] == rows.updates["even"] == 4
    more = digits.with_train(datasets.with_few_labels(digits.train, "digit", 50)).for_tasks("digit", "even")
    table = quick({}, more, baseline="single", encoder=encoder, updates=4)
    # A batch has 32 of the 50 images, and 18 are left over in every epoch.
    assert set(table[table.task == "digit"].exposure) == {4 * 32 / 50}


def test_a_baseline_is_chosen_by_its_own_task(two_digits, encoder):
    table = quick({}, two_digits, baseline="single", encoder=encoder, seeds=(0,), updates=6, validate_every=1)
    for task in ("left", "right"):
        model = models.single_task(encoder, two_digits, task, seed=0)
        history = training.fit(
            model, two_digits.for_tasks(task), steps=6, batch_size=32, validate_every=1, device="cpu", progress=False,
            choose=training.metric_of(task),
        )  # fmt: skip
        assert set(table[table.task == task].best_step) == {history.best_step}


def test_epochs_are_passes_over_the_training_images(two_digits, encoder):
    table = quick({"hard": shared(encoder, two_digits)}, two_digits, updates=None, epochs=2)
    assert set(table.updates) == {2 * (320 // 32)}
    assert set(table.exposure) == {2.0}


def test_a_way_may_have_settings_of_its_own(two_digits, encoder):
    ways = {
        "plain": shared(encoder, two_digits),
        "long": Way(shared(encoder, two_digits), updates=5, tuning=7, balancer=balancing.RandomWeighting),
        "half": Way(
            lambda seed: models.single_task(encoder, two_digits, "left", seed=seed),
            tasks=("left",),
            penalty=lambda: penalties.L2(1e-3),
        ),
    }
    table = quick(ways, two_digits)
    assert dict(table.groupby("way").updates.max()) == {"plain": 3, "long": 5, "half": 3}
    assert dict(table.groupby("way").tuning.max()) == {"plain": 0, "long": 7, "half": 0}
    assert set(table[table.way == "half"].task) == {"left"}


def test_processes_give_the_same_numbers(two_digits, encoder):
    ways = {"hard": functools.partial(_make, two_digits)}
    one, two = (quick(ways, two_digits, jobs=jobs) for jobs in (1, 2))
    assert list(one.metric) == list(two.metric)
    assert list(one.loss) == list(two.loss)


def _make(data, seed):
    return models.hard_sharing(functools.partial(models.lenet, features=8), data, seed=seed)


def test_finished_runs_are_not_made_again(two_digits, encoder, tmp_path):
    made = []

    def make(seed):
        made.append(seed)
        return models.hard_sharing(encoder, two_digits, seed=seed)

    path = tmp_path / "table.csv"
    first = quick({"hard": make}, two_digits, results=path)
    again = quick({"hard": make}, two_digits, results=path, seeds=(0, 1, 2))
    assert made == [0, 1, 2]
    assert list(again.metric[:4]) == list(first.metric)
    assert list(experiments.read_results(path).metric) == list(again.metric)


def test_an_interrupted_run_is_not_recorded_and_the_finished_ones_are(two_digits, encoder, tmp_path):
    def make(seed):
        if seed == 1:
            raise KeyboardInterrupt
        return models.hard_sharing(encoder, two_digits, seed=seed)

    path = tmp_path / "table.csv"
    with pytest.raises(KeyboardInterrupt):
        quick({"hard": make}, two_digits, results=path)
    assert set(experiments.read_results(path).seed) == {0}


def test_half_a_run_at_the_end_of_the_file_is_made_again(two_digits, encoder, tmp_path):
    path = tmp_path / "table.csv"
    make = shared(encoder, two_digits)
    whole = quick({"hard": make}, two_digits, results=path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]) + lines[-1][:20])
    assert list(quick({"hard": make}, two_digits, results=path).metric) == list(whole.metric)


def test_results_of_other_settings_are_not_taken_for_these(two_digits, encoder, tmp_path):
    path = tmp_path / "table.csv"
    quick({"hard": shared(encoder, two_digits)}, two_digits, results=path)
    with pytest.raises(ValueError, match=r"way 'hard' with seed 0 that other settings, data or code have made"):
        quick({"hard": shared(encoder, two_digits)}, two_digits, results=path, updates=4)


def test_a_file_that_is_no_table_is_told(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"is no table of results"):
        ResultsFile(tmp_path / "other.csv")
    with pytest.raises(FileNotFoundError, match=r"there is no folder"):
        ResultsFile(tmp_path / "nowhere" / "other.csv")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"updates": None}, "either epochs"),
        ({"epochs": 3}, "only one of them"),
        ({"balancer": balancing.WeightedSum()}, "balancer= takes a function that makes one"),
        ({"penalty": penalties.L2(1.0)}, "penalty= takes a function that makes one"),
        ({"seeds": (1, 1)}, "seeds must be different"),
        ({"measure": "test"}, "measure= takes some of"),
        ({"baseline": "single"}, "needs encoder="),
        ({"jobs": 0}, "jobs must be a whole number above zero"),
        ({"ways": {"single": lambda seed: None}}, "cannot be called 'single'"),
        ({"ways": {"a": torch.nn.Identity()}}, "way 'a': give a function that makes a model from a seed"),
        ({"ways": {}}, "nothing to compare"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_trained(two_digits, arguments, words):
    ways = arguments.pop("ways", {"hard": lambda seed: pytest.fail("it trained")})
    with pytest.raises(ValueError, match=words):
        quick(ways, two_digits, **arguments)


def test_summaries_by_hand():
    import pandas as pd

    table = pd.DataFrame(
        [
            {"way": way, "seed": seed, "task": task, "split": "test", "metric": metric, "higher_is_better": task == "a",
             "updates": 3, "parameters": 10, "seconds": 1.0}
            for way, values in {"single": ((0.5, 2.0), (0.5, 2.0)), "other": ((0.6, 2.0), (0.5, 1.0))}.items()
            for seed, pair in enumerate(values)
            for task, metric in zip("ab", pair, strict=True)
        ]
    )  # fmt: skip
    assert experiments.difference(table, "other", "single", "a").mean == pytest.approx(0.05)
    assert experiments.delta_m_by_seed(table, "other") == pytest.approx({0: 10.0, 1: 25.0})
    table.loc[(table.way == "single") & (table.seed == 1) & (table.task == "a"), "metric"] = 0.4
    paired = experiments.delta_m_by_seed(table, "other", paired=True)
    assert paired == pytest.approx({0: 10.0, 1: (25.0 + 50.0) / 2})  # each by the baseline's run with the same seed
    table.loc[(table.way == "single") & (table.seed == 1) & (table.task == "a"), "metric"] = 0.5
    lines = experiments.summarize(table, baseline="single")
    assert lines.loc["single", "parameters"] == 20
    assert lines.loc["other", "Δm (%)"].startswith("17.5")
    with pytest.raises(ValueError, match=r"no run of way 'third' at task 'a'"):
        experiments.difference(table, "third", "single", "a")
