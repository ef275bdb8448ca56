import numpy as np
import pytest

from otio_speakerzoom.speech.metrics import average_precision

LABELS = np.array([True, False, True, False])


def test_average_precision_is_that_of_a_worked_example():
    # true at ranks 1 and 3, so precision 1 and 2/3
    scores = np.array([3.0, 2.0, 1.0, 0.0])

    assert average_precision(scores, LABELS) == pytest.approx((1 + 2 / 3) / 2)


def test_equal_scores_count_together_in_any_order():
    scores = np.array([1.0, 1.0, 1.0, 0.0])

    forwards = average_precision(scores, LABELS)
    assert forwards == average_precision(scores[::-1], LABELS[::-1]) == pytest.approx(2 / 3)


def test_without_a_positive_label_the_average_precision_is_zero():
    assert average_precision(np.array([1.0, 0.0]), np.zeros(2, bool)) == 0
