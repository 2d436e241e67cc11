"""What people expect of a repository: it is there, can be read, and says what is so."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    ["CITATION.cff", ".pre-commit-config.yaml", ".github/workflows/test.yml", ".github/ISSUE_TEMPLATE/wrong_claim.yml",
     ".github/ISSUE_TEMPLATE/unclear.yml", ".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/config.yml"],
)  # fmt: skip
def test_files_for_programs_can_be_read(name):
    assert isinstance(yaml.safe_load((ROOT / name).read_text(encoding="utf-8")), dict)


def test_the_workflow_calls_the_projects_own_command():
    assert "- run: .ci/run" in (ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8")


def test_the_picture_of_the_floors_is_the_one_that_is_checked():
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    layers = re.findall(r'"([^"]+)"', re.search(r"layers = \[(.*?)\]", settings, re.DOTALL)[1])
    picture = re.search(r"```mermaid\n(.*?)```", CONTRIBUTING, re.DOTALL)[1]
    place = -1
    for layer in reversed(layers):  # lowest first, as in the picture
        found = [picture.find(room.strip()) for room in layer.split("|")]
        assert min(found) >= 0, f"the picture of the floors lacks {layer}"
        assert max(found) > place, f"the picture has {layer} on another floor"
        place = min(found)


def test_links_in_contributing_lead_somewhere():
    for target in re.findall(r"\]\(((?!http|#)[^)]+)\)", CONTRIBUTING):
        assert (ROOT / target.split("#")[0]).exists(), f"CONTRIBUTING links to {target}, which is not there"


@pytest.mark.parametrize("word", ["a task", "a way of sharing", "a balancer", "a notebook", "a check", "a study"])
def test_contributing_says_how_to_add(word):
    assert f"**… {word}" in CONTRIBUTING


def test_the_version_is_the_same_everywhere():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
