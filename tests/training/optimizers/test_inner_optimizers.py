import keras

from tfast.training.optimizers.inner_optimizers import innermost, with_inner_optimizers
from tfast.training.optimizers.lookahead import Lookahead


def test_every_wrapper_is_passed_to_the_optimizer_that_moves_the_weights():
    sgd = keras.optimizers.SGD()
    lookahead = Lookahead(sgd)
    scaled = keras.optimizers.LossScaleOptimizer(lookahead)
    assert list(with_inner_optimizers(scaled)) == [scaled, lookahead, sgd]
    assert innermost(scaled) is innermost(sgd) is sgd
