"""Guesses are kept, shown beside the result, and collected from a class."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from mtl_utils.course import collect_guesses as collecting
from mtl_utils.course import guess, guesses, show_guess
from mtl_utils.course.guesses import guessed, keep_guesses, read_guesses


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(guesses, "_kept", guesses._Kept())
    monkeypatch.delenv(guesses.FOLDER, raising=False)


@pytest.mark.parametrize("nothing", [..., None])
def test_a_cell_as_it_stands_says_what_to_do(nothing, capsys):
    guess("04.3", nothing)
    show_guess("04.3", 62.7)
    printed = capsys.readouterr().out
    assert printed.startswith("… Guess 04.3: write yours in place of `...` and run this cell\n… Guess 04.3: you made none.")
    assert "62.7" not in printed  # so that the output is the same on every computer


@pytest.mark.parametrize(
    ("mine", "result", "line"),
    [
        (40, 62.5, "you said 40. The result is 62.5, which is 22.5 more."),
        (40.0, torch.tensor(30.0), "you said 40. The result is 30, which is 10 less."),
        (np.float32(0.5), 0.5, "you said 0.5. The result is 0.5, too."),
        ("faster", "slower", "you said 'faster'. The result is 'slower'."),
        (True, True, "you said True. The result is True, too."),
        ((1, 2), torch.tensor([1, 3]), "you said [1, 2]. The result is [1, 3]."),
        ({"left": 1}, {"left": 2}, "you said {'left': 1}. The result is {'left': 2}."),
    ],
)
def test_the_guess_is_shown_beside_the_result(mine, result, line, capsys):
    guess("04.3", mine)
    show_guess("04.3", result)
    assert capsys.readouterr().out.splitlines()[1] == f"Guess 04.3: {line}"


def test_units_are_written_behind_all_numbers(capsys):
    guess("04.3", 40)
    show_guess("04.3", 62.5, unit=" %")
    assert "you said 40 %. The result is 62.5 %, which is 22.5 more." in capsys.readouterr().out


def test_a_guess_can_be_changed_until_the_result_was_shown(capsys):
    guess("04.3", 40)
    guess("04.3", 50)
    assert guessed("04.3") == 50
    show_guess("04.3", 62)
    guess("04.3", 62)
    assert guessed("04.3") == 50
    assert "so your guess stays 50" in capsys.readouterr().out
    guess("04.3", 50)  # Run All with the same guess
    assert capsys.readouterr().out == "✓ Guess 04.3: 50 is kept\n"


def test_a_word_that_is_no_choice_is_not_kept(capsys):
    guess("04.4", "louder", choices=("faster", "slower"))
    assert "Choose one of: 'faster', 'slower'" in capsys.readouterr().out
    assert guessed("04.4") is None


@pytest.mark.parametrize("wrong", [140, -0.1, True, "many", {"weighted sum": 3, "smooth Tchebycheff": 101}])
def test_a_number_that_cannot_be_is_not_kept(wrong, capsys):
    guess("04.5", wrong, between=(0, 100))
    assert capsys.readouterr().out.endswith("cannot be. Write a number from 0 to 100\n")
    assert guessed("04.5") is None


@pytest.mark.parametrize("fine", [0, 100, 62.5, {"weighted sum": 3, "smooth Tchebycheff": 20}, [1, 2]])
def test_a_number_that_can_be_is_kept(fine):
    guess("04.5", fine, between=(0, 100))
    assert guessed("04.5") == fine


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), print, {1, 2}, [object()], 1j])
def test_what_no_file_can_hold_is_refused(bad):
    with pytest.raises(TypeError, match=r"guess 04\.3 must be"):
        guess("04.3", bad)


def test_a_students_file_has_guesses_and_results_and_is_read_again(tmp_path, monkeypatch):
    guess("04.1", 1)  # before the file is named
    file = keep_guesses("Ada L", tmp_path / "class")
    guess("04.3", 40, question="how many?")
    show_guess("04.3", 62.5)
    assert file == tmp_path / "class" / "Ada L.json"
    student, found = read_guesses(file)
    assert student == "Ada L"
    assert found["04.3"] == guesses.Guess(40, "how many?", 62.5)
    assert found["04.1"].value == 1
    assert [each.name for each in file.parent.iterdir()] == ["Ada L.json"]
    monkeypatch.setattr(guesses, "_kept", guesses._Kept())  # a new kernel
    keep_guesses("Ada L", tmp_path / "class")
    assert guessed("04.3") == 40
    guess("04.3", 62)
    assert guessed("04.3") == 40, "the result was seen"


def test_the_environment_can_name_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(guesses.FOLDER, str(tmp_path))
    monkeypatch.setenv("LOGNAME", "grace")
    guess("04.3", 40)
    assert read_guesses(tmp_path / "grace.json")[1]["04.3"].value == 40


@pytest.mark.parametrize("name", ["", "  ", "../ada", "a/b", "a\\b", ".hidden"])
def test_a_name_that_cannot_be_a_file_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="name of a file"):
        keep_guesses(name, tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"student": "a", "guesses": {"1": {"nothing": 1}}}', '{"student": 1, "guesses": {}}']
)
def test_what_is_not_a_file_of_guesses_is_named(text, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match=r"x\.json is not a file of guesses"):
        read_guesses(tmp_path / "x.json")


def a_class(folder):
    for number, (value, word) in enumerate([(40, "faster"), (60, "slower"), (60, "slower")]):
        entries = {
            "04.3": {"value": value, "question": "how many?", "result": 55.0},
            "04.4": {"value": word, "result": "slower"},
        }
        (folder / f"{number}.json").write_text(json.dumps({"student": str(number), "guesses": entries}))


def test_a_teacher_gets_table_and_histogram(tmp_path, capsys):
    a_class(tmp_path)
    assert collecting.main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "04.3: 3 guesses, most often 60 (2 times)" in printed
    assert "04.4: 3 guesses, most often slower (2 times)" in printed
    assert (tmp_path / "guesses.png").read_bytes().startswith(b"\x89PNG")
    assert len((tmp_path / "guesses.csv").read_text().splitlines()) == 1 + 6


def test_a_strange_file_is_left_out_and_named(tmp_path, capsys):
    a_class(tmp_path)
    (tmp_path / "strange.json").write_text("no JSON")
    assert collecting.main([str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "strange.json is not a file of guesses" in said.err
    assert "3 guesses" in said.out


def test_an_empty_folder_is_said(tmp_path, capsys):
    assert collecting.main([str(tmp_path)]) == 1
    assert "none of them with guesses" in capsys.readouterr().err


def test_the_histogram_shows_numbers_words_and_what_was_measured(tmp_path):
    a_class(tmp_path)
    table, _ = collecting.collect_guesses(tmp_path)
    numbers, words = collecting.draw_all(table).axes
    assert sum(bar.get_height() for bar in numbers.patches) == 3
    assert numbers.get_legend().get_texts()[0].get_text() == "measured: 55"
    assert [bar.get_width() for bar in words.patches] == [1, 2]
    assert words.patches[0].get_facecolor() != words.patches[1].get_facecolor()
    assert "04.3  how many?  (3 guesses)" in numbers.get_title(loc="left")


def test_a_long_question_is_a_title_of_several_lines_and_stays_inside_the_figure():
    question = "accuracy in percent of the task with the small weight, after a training that began with another weight"
    values = {"student": ["a", "b"], "guess": ["04.3"] * 2, "question": [question] * 2, "value": [40, 50], "result": [45, 45]}
    figure = collecting.draw_all(pd.DataFrame(values))
    figure.canvas.draw()
    assert figure.axes[0].get_title(loc="left").replace("\n", " ") == f"04.3  {question}  (2 guesses)"
    assert figure.get_tightbbox().x1 <= figure.get_figwidth()
