import numpy as np

from tfast.text.models.perplexity import Perplexity


def test_it_is_the_exponential_of_the_mean_weighted_by_tokens():
    metric = Perplexity()
    metric.update_state(np.log(2.0), sample_weight=3.0)
    metric.update_state(np.log(8.0), sample_weight=1.0)
    np.testing.assert_allclose(metric.result(), 2.0 ** ((3 + 3) / 4), rtol=1e-6)
    metric.reset_state()
    metric.update_state(np.log(5.0))
    np.testing.assert_allclose(metric.result(), 5.0, rtol=1e-6)
