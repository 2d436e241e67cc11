"""The slider on a threshold: counts by hand, the words follow, and what does not fit is refused."""

import pytest
import torch

from mtl_utils.lab import ThresholdLab

PROBABILITY = torch.tensor([0.1, 0.4, 0.5, 0.6, 0.9])
TRUTH = torch.tensor([False, True, False, True, True])


def test_counts_by_hand_and_words_and_picture_follow():
    lab = ThresholdLab(PROBABILITY, TRUTH, called="stained")
    assert lab.counts() == {"found": 2, "missed": 1, "false alarms": 1, "rightly quiet": 1}
    before, said = lab.picture, lab.status
    lab.threshold = 0.6
    assert lab.counts() == {"found": 2, "missed": 1, "false alarms": 0, "rightly quiet": 2}
    assert lab.picture != before
    assert said.startswith("Threshold 0.50.")
    assert lab.status == "Threshold 0.60.\nFound 2, missed 1, false alarms 0, rightly quiet 2."
    assert "stained" in lab.description
    lab.close()


def test_the_ends_call_all_and_none():
    lab = ThresholdLab(PROBABILITY, TRUTH, threshold=0)
    assert lab.counts()["missed"] == lab.counts()["rightly quiet"] == 0
    lab.threshold = 1
    assert lab.counts()["found"] == lab.counts()["false alarms"] == 0
    lab.close()


@pytest.mark.parametrize(
    ("probability", "truth", "threshold", "why"),
    [
        (PROBABILITY, TRUTH, 1.5, "from 0 to 1, not 1.5"),
        (5 * PROBABILITY, TRUTH, 0.5, "softmax or sigmoid"),
        (PROBABILITY * float("nan"), TRUTH, 0.5, "softmax or sigmoid"),
        (PROBABILITY[:3], TRUTH, 0.5, "of one length"),
        (PROBABILITY, TRUTH.float(), 0.5, "boolean labels"),
    ],
)
def test_what_does_not_fit_is_refused(probability, truth, threshold, why):
    with pytest.raises(ValueError, match=why):
        ThresholdLab(probability, truth, threshold=threshold)
