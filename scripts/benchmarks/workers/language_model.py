"""A rival of language_model.py: one LSTM layer or one training step, again and again.

    python language_model.py NAME VOCAB EMBED HIDDEN

NAME is one of the functions below, each of which imports what it needs: stock Keras and tfast run
in tfast's Python, fastai and PyTorch in another.
"""

import sys
from types import SimpleNamespace

from rivals import serve
from timing import environment_line

BATCH, TIME = 32, 70


def tfast_layer(sizes):
    """Forward and backward of the LSTM kernel."""
    from tfast.text import WeightDrop

    return _keras_layer(sizes, lambda lstm: WeightDrop(lstm, 0.0))


def keras_layer(sizes):
    """Forward and backward of the stock layer."""
    return _keras_layer(sizes, lambda lstm: lstm)


def _keras_layer(sizes, wrap):
    import keras
    import tensorflow as tf

    layer = wrap(keras.layers.LSTM(sizes.hidden, return_sequences=True))
    inputs = tf.random.normal((BATCH, TIME, sizes.embed))
    layer(inputs)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(layer(inputs, training=True))
        return tape.gradient(loss, [inputs, *layer.trainable_weights])

    return lambda: step()[0].numpy()


def fastai_layer(sizes):
    """Forward and backward of `torch.nn.LSTM`."""
    import torch

    layer = torch.nn.LSTM(sizes.embed, sizes.hidden, batch_first=True)
    inputs = torch.randn(BATCH, TIME, sizes.embed, requires_grad=True)
    wanted = [inputs, *layer.parameters()]
    # Not `backward`, which would add to the gradients of the round before.
    return lambda: torch.autograd.grad(layer(inputs)[0].sum(), wanted)


def _windows(sizes):
    import numpy as np

    tokens = np.random.default_rng(0).integers(9, sizes.vocab, (BATCH, TIME + 1), "int32")
    return tokens[:, :-1], tokens[:, 1:]


def tfast_step(sizes):
    """A step of `LanguageModel` as `fit` makes it."""
    import numpy as np

    from tfast.text.models.language_model import LanguageModel
    from tfast.training.optimizers.fused_adam import FusedAdam

    ids, targets = _windows(sizes)
    model = LanguageModel(sizes.vocab, embed_size=sizes.embed, hidden_size=sizes.hidden)
    model.compile(FusedAdam())
    inputs = {"token_ids": ids, "starts_anew": np.zeros(BATCH, bool)}
    return lambda: model.train_on_batch(inputs, targets)


def keras_step(sizes):
    """The same sizes by stock layers: tied decoder, all logits, dropout of its kinds."""
    import keras

    ids, targets = _windows(sizes)
    drop, widths = keras.layers.SpatialDropout1D, [sizes.hidden, sizes.hidden, sizes.embed]
    layers = [drop(0.25)]
    for width in widths:
        layers += [keras.layers.LSTM(width, return_sequences=True), drop(0.15)]

    class Stock(keras.Model):
        def __init__(self):
            super().__init__()
            self.table = keras.layers.ReversibleEmbedding(sizes.vocab, sizes.embed)
            self.lstms = keras.Sequential(layers)

        def call(self, ids, training=False):
            return self.table(self.lstms(self.table(ids), training=training), reverse=True)

    model = Stock()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return lambda: model.train_on_batch(ids, targets)


def fastai_step(sizes):
    """A step of fastai's AWD-LSTM with its regularizers and its own Adam."""
    from fastai.optimizer import Adam

    return _fastai_step(sizes, lambda parameters: Adam(parameters, lr=1e-3))


def fastai_fused_step(sizes):
    """The same with PyTorch's fused Adam."""
    import torch

    return _fastai_step(sizes, lambda some: torch.optim.Adam(some, lr=1e-3, fused=True))


def _fastai_step(sizes, make_optimizer):
    import torch
    from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_lm_config
    from fastai.text.models.core import get_language_model

    ids, targets = (torch.from_numpy(array).long() for array in _windows(sizes))
    config = awd_lstm_lm_config | {"emb_sz": sizes.embed, "n_hid": sizes.hidden}
    model = get_language_model(AWD_LSTM, sizes.vocab, config)
    optimizer = make_optimizer(list(model.parameters()))
    cross_entropy = torch.nn.CrossEntropyLoss()

    def step():
        logits, raw, dropped = model(ids)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss = loss + 2 * dropped.pow(2).mean() + (raw[:, 1:] - raw[:, :-1]).pow(2).mean()
        # Not `backward`, which would add to gradients that must then be set to zero.
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()

    return step


def tfast_product(sizes):
    """A matrix product of the decoder's size."""
    import tensorflow as tf

    hidden = tf.random.normal((BATCH * TIME, sizes.embed))
    table = tf.random.normal((sizes.vocab, sizes.embed))
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(hidden, table, transpose_b=True)[0]))
    return lambda: multiply().numpy()


def describe(name):
    """Versions and threads of this process."""
    if name.startswith("fastai"):
        import torch

        return f"{environment_line('fastai', 'torch')}, {torch.get_num_threads()} PyTorch threads"
    return environment_line("tensorflow", "keras")


def main():
    """Answers `run` by one round of the work."""
    name, *sizes = sys.argv[1:]
    if not name.startswith("fastai"):
        from tfast.cli import environment

        environment.prepare(one_heap=name.startswith("tfast"))  # as `tfast train-ulmfit` does
    sizes = dict(zip(("vocab", "embed", "hidden"), map(int, sizes), strict=True))
    work = globals()[name](SimpleNamespace(**sizes))

    def run():
        work()

    serve(describe(name), {"run": run})


if __name__ == "__main__":
    main()
