import numpy as np

from tfast.text.models.regularization import (
    activation_regularization,
    temporal_activation_regularization,
)


def test_temporal_regularization_of_a_single_step_is_zero():
    assert float(temporal_activation_regularization(np.ones((2, 1, 3)), 1.0)) == 0.0


def test_regularizers_by_hand():
    outputs = np.array([[[1.0, 2.0], [2.0, 0.0], [2.0, 1.0]]])
    np.testing.assert_allclose(activation_regularization(outputs, 2.0), 2 * 14 / 6)
    np.testing.assert_allclose(temporal_activation_regularization(outputs, 0.5), 0.5 * 6 / 4)
