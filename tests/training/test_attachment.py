import keras
import numpy as np
import pytest

from tfast.training.attachment import attached_until_next_fit

DATA = {"x": np.ones((4, 1)), "y": np.ones((4, 1)), "batch_size": 2, "verbose": 0}


class Attach(keras.callbacks.Callback):
    def __init__(self, *, breaks=False):
        super().__init__()
        self.breaks, self.undone = breaks, 0

    def on_train_begin(self, logs=None):
        def undo():
            self.undone += 1

        self.detach = attached_until_next_fit(self.model, undo)

    def on_train_batch_end(self, batch, logs=None):
        self.model.make_train_function(force=True)  # as others do within a fit
        if self.breaks:
            raise KeyboardInterrupt

    def on_train_end(self, logs=None):
        assert not self.undone
        self.detach()
        self.detach()


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def test_it_is_undone_once_where_fit_ends(model):
    attach = Attach()
    model.fit(**DATA, callbacks=[attach])
    assert attach.undone == 1
    model.fit(**DATA)
    assert attach.undone == 1
    assert "make_train_function" not in vars(model)


def test_after_a_fit_that_broke_the_next_one_undoes_it_before_a_step(model):
    attaches = [Attach(), Attach(breaks=True), Attach()]
    with pytest.raises(KeyboardInterrupt):
        model.fit(**DATA, callbacks=attaches)
    assert [each.undone for each in attaches] == [0, 0, 0]
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append([each.undone for each in attaches])
    )
    model.fit(**DATA, callbacks=[watch])
    assert seen[0] == [1, 1, 1]
    assert "make_train_function" not in vars(model)


def test_evaluating_and_predicting_leave_it(model):
    attach = Attach(breaks=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(**DATA, callbacks=[attach])
    model.evaluate(**DATA)
    model.predict(DATA["x"], verbose=0)
    assert attach.undone == 0
    model.fit(**DATA)
    assert attach.undone == 1
