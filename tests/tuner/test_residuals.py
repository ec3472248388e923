import pytest

from setpoint.tuner.residuals import Residuals, place


def test_where_nothing_was_measured_the_model_is_believed() -> None:
    assert Residuals([], [], 0.2, 0.1).at([place(8, 512)]) == [(0.0, 0.2)]


def test_what_was_measured_without_noise_is_known_there() -> None:
    here, elsewhere = place(64, 512), place(128, 2048)
    ((mean, deviation), _) = Residuals([here, elsewhere], [0.3, -0.1], 0.2, 1e-6).at([here, elsewhere])
    assert [mean, deviation] == pytest.approx([0.3, 0.0], abs=1e-3)


def test_a_neighbour_shares_some_of_it_and_what_is_far_away_nothing() -> None:
    residuals = Residuals([place(64, 512)], [0.4], 0.2, 0.01)
    (near, far) = residuals.at([place(64, 1024), place(8, 16384)])
    assert 0.1 < near[0] < 0.4
    assert list(far) == pytest.approx([0.0, 0.2], abs=1e-3)


def test_a_second_measurement_leaves_less_doubt() -> None:
    here = place(64, 512)
    (once,) = Residuals([here], [0.1], 0.2, 0.1).at([here])
    (twice,) = Residuals([here, here], [0.1, 0.1], 0.2, 0.1).at([here])
    assert twice[1] < once[1]
