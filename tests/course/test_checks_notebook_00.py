"""The exercises of notebook 00: plausible wrong answers are rejected with their own hint."""

from answers import common_tests

from mtl_utils.course.checks import notebook_00 as check

RIGHT = [
    (check.number_of_tasks, 2),
    (check.shared_part, {"conv1", "conv2", "dense"}),
    (check.shared_part, ["dense", "conv1", "conv2"]),
    (check.shared_part, {"encoder.conv1", "encoder.conv2", "encoder.dense"}),  # as `parts()` calls them
]

WRONG = [
    (check.number_of_tasks, 20, "ten classes"),
    (check.number_of_tasks, 1, "more than one question"),
    (check.number_of_tasks, 3, "count the entries"),
    (check.number_of_tasks, "two", "whole number"),
    (check.shared_part, "conv1", "set of names"),
    (check.shared_part, {"conv1", "conv2", "dense", "left"}, "belongs to its own task"),
    (check.shared_part, {"conv1", "conv2", "dense", "head"}, "two heads"),
    (check.shared_part, {"conv1", "conv2"}, "three stages"),
    (check.shared_part, {"encoder.conv1", "head of left"}, "belongs to its own task"),
]

test_coverage, test_right, test_wrong, test_nothing = common_tests(check, RIGHT, WRONG)
