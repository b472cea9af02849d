import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.training.checkpoints.resume import resumable_fit
from tfast.training.optimizers.lookahead import ranger
from tfast.training.schedules import OneCycle
from tfast.training.unfreezing import GradualUnfreezing, Stage

INPUTS = np.random.RandomState(0).standard_normal((8, 4)).astype("float32")
TARGETS = np.random.RandomState(1).standard_normal((8, 2)).astype("float32")
STAGES = [
    Stage(-1, 0.1),
    Stage(-2, 0.05, epochs=2, multipliers=(0.1, 0.4, 1)),
    Stage(0, 0.01, epochs=2),
]


def make_model(optimizer="adam", **compile_arguments):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(n, name=name) for n, name in ((3, "a"), (3, "b"), (2, "c"))]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(optimizer, "mse", **compile_arguments)
    return model


def make_unfreezing(model):
    return GradualUnfreezing([[layer] for layer in model.layers], STAGES)


def batches():
    return tf.data.Dataset.from_tensor_slices((INPUTS, TARGETS)).batch(4)


class Watch(keras.callbacks.Callback):
    """Which layers moved in each epoch, the rate after it, and the optimizer's step."""

    def on_train_begin(self, logs=None):
        self.moved, self.rates = [], []
        self.before = self.model.get_weights()[::2]

    def on_epoch_end(self, epoch, logs=None):
        after = self.model.get_weights()[::2]
        pairs = zip("abc", after, self.before, strict=True)
        self.moved.append("".join(name for name, a, b in pairs if np.any(a != b)))
        self.before = after
        self.rates.append(float(self.model.optimizer.learning_rate))


def test_each_stage_trains_its_groups_at_its_rates_and_says_so(capsys):
    model, watch = make_model(), Watch()
    history = make_unfreezing(model).fit(model, batches(), callbacks=[watch], verbose=2)
    assert history.epoch == [0, 1, 2, 3, 4]
    assert watch.moved == ["c", "bc", "bc", "abc", "abc"]
    cycles = [OneCycle(0.1, 2), OneCycle(0.05, 4), OneCycle(0.01, 4)]
    expected = [cycles[n](step) for n, step in ((1, 0), (1, 2), (2, 0), (2, 2), (2, 4))]
    np.testing.assert_allclose(watch.rates, np.array(expected), rtol=1e-6)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Stage")]
    assert lines == [
        "Stage 1 of 3, epochs 1 to 1: groups 3 to 3 train, 8 of 35 weights, "
        "peak rates of the groups 0.1, 0.1, 0.1",
        "Stage 2 of 3, epochs 2 to 3: groups 2 to 3 train, 20 of 35 weights, "
        "peak rates of the groups 0.005, 0.02, 0.05",
        "Stage 3 of 3, epochs 4 to 5: groups 1 to 3 train, 35 of 35 weights, "
        "peak rates of the groups 0.01, 0.01, 0.01",
    ]


def test_it_goes_on_in_the_middle_of_a_stage_as_if_nothing_had_happened(tmp_path, capsys):
    path = tmp_path / "epoch-{epoch}.keras"
    whole = make_model(run_eagerly=True)
    checkpoint = keras.callbacks.ModelCheckpoint(path)
    make_unfreezing(whole).fit(whole, batches(), callbacks=[checkpoint], verbose=0)
    resumed = keras.saving.load_model(str(path).format(epoch=2))
    watch = Watch()
    make_unfreezing(resumed).fit(resumed, batches(), initial_epoch=2, callbacks=[watch], verbose=0)
    assert watch.moved == ["bc", "abc", "abc"]
    assert not capsys.readouterr().out
    for a, b in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_killed_inside_a_stage_it_resumes_to_the_bit(tmp_path):
    def run(path, *, kill=False):
        def interrupt(batch, logs):
            if kill and model.optimizer.iterations == 3:
                raise KeyboardInterrupt

        model = make_model(run_eagerly=True)
        unfreezing = make_unfreezing(model)
        model.optimizer.learning_rate = unfreezing.schedule(steps_per_epoch=2)
        resumable_fit(
            model,
            lambda first_step: batches().repeat().skip(first_step),
            epochs=unfreezing.epochs,
            steps_per_epoch=2,
            checkpoint=path,
            save_every=1,
            callbacks=[unfreezing, keras.callbacks.LambdaCallback(on_train_batch_begin=interrupt)],
            verbose=0,
        )
        return model.get_weights()

    whole = run(tmp_path / "whole.npz")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "killed.npz", kill=True)
    for a, b in zip(run(tmp_path / "killed.npz"), whole, strict=True):
        np.testing.assert_array_equal(a, b)


def test_under_loss_scaling_it_begins_at_the_steps_done_before():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    model = make_model("sgd", run_eagerly=True)
    model.fit(batches(), shuffle=False, verbose=0)
    assert make_unfreezing(model).fit(model, batches(), verbose=0).epoch == [0, 1, 2, 3, 4]
    schedule = model.optimizer.inner_optimizer._learning_rate
    assert schedule.first_step == 2


def test_an_endless_dataset_needs_steps_per_epoch():
    model = make_model(run_eagerly=True)
    unfreezing, endless = make_unfreezing(model), batches().repeat()
    for x in (endless, INPUTS, batches().take(0)):
        with pytest.raises(ValueError, match="steps_per_epoch must be given"):
            unfreezing.fit(model, x)
    unfreezing.fit(model, endless, steps_per_epoch=1, verbose=0)
    assert int(model.optimizer.iterations) == 5


def test_ranger_is_refused_and_keeps_its_rate():
    model = make_model(ranger(0.02), run_eagerly=True)
    with pytest.raises(ValueError, match="Lookahead"):
        make_unfreezing(model).fit(model, batches(), verbose=0)
    assert float(model.optimizer.learning_rate) == np.float32(0.02)


def test_stages_train_their_groups_in_a_traced_fit_with_several_steps_an_execution():
    model = make_model("sgd", steps_per_execution=2)
    stages, watch = [Stage(-1, 0.1), Stage(0, 0.1, multipliers=(1, 0, 1))], Watch()
    unfreezing = GradualUnfreezing([[layer] for layer in model.layers], stages)
    unfreezing.fit(model, batches(), callbacks=[watch], verbose=0)
    assert watch.moved == ["c", "ac"]


def test_bad_stages_are_refused():
    groups = [[keras.layers.Dense(1)], [keras.layers.Dense(1)]]
    for stages in ([], [(0, 0.1)], [Stage(2, 0.1)], [Stage(0, 0.1, multipliers=(1,))]):
        with pytest.raises(ValueError, match=r"stages|freeze_to|multipliers"):
            GradualUnfreezing(groups, stages)
    with pytest.raises(ValueError, match="peak"):
        Stage(0, 0)
    with pytest.raises(ValueError, match="peak"):
        Stage(0, np.inf)
    with pytest.raises(ValueError, match="freeze_to"):
        Stage(0.0, 0.1)
    assert Stage(np.int64(0), np.float32(0.1), epochs=np.int64(1)).epochs == 1
    with pytest.raises(ValueError, match="epochs"):
        Stage(0, 0.1, epochs=0)
    with pytest.raises(ValueError, match="not compiled"):
        GradualUnfreezing(groups, [Stage(0, 0.1)]).fit(keras.Sequential(), batches())
