import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import small_runs
from checks import two_replicas
from small_runs import STEPS_PER_EPOCH, Stop, make_dataset, make_model, run

from tfast.training.averaging import AveragedWeights
from tfast.training.checkpoints.callback_states import _STATELESS_OF_KERAS, KERAS_STATES
from tfast.training.checkpoints.file_format import read_checkpoint, write_checkpoint
from tfast.training.checkpoints.resume import read_progress, resumable_fit
from tfast.training.learning_rates import LayerwiseLearningRates
from tfast.training.unfreezing import GradualUnfreezing, Stage


def state(model):
    variables = model.variables + model.optimizer.variables
    return [keras.ops.convert_to_numpy(variable).tobytes() for variable in variables]


def assert_same_end(one, other):
    assert state(one[0]) == state(other[0])
    assert one[1].history == other[1].history
    assert one[1].epoch == other[1].epoch


def early_stopping():
    # Improves by none of the small steps here: stops, and goes back to the best weights.
    return [
        keras.callbacks.EarlyStopping(
            patience=2, min_delta=0.5, restore_best_weights=True, monitor="val_accuracy"
        )
    ]


def decaying_rate():
    # Multiplies what it finds: told twice of one epoch, it would decay twice.
    return [keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)]


def make_on_two_replicas(seed):
    with two_replicas().scope():
        return make_model(keras.optimizers.Adam(0.01), seed=seed, eager=False)


def make_with(make_optimizer, **options):
    return lambda seed: make_model(make_optimizer(), seed=seed, **options)


make_adam_in_graph = make_with(lambda: keras.optimizers.Adam(0.01), eager=False)

CASES = {
    "two steps an execution": {
        "make": make_with(keras.optimizers.Adam, eager=False, steps_per_execution=2)
    },
    "averaged by the optimizer": {
        "make": make_with(lambda: keras.optimizers.SGD(0.1, use_ema=True))
    },
    "gradient accumulation, rate set by a callback": {
        "make": make_with(lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=4)),
        "callbacks": decaying_rate,
    },
    "two replicas": {
        "make": make_on_two_replicas,
        "callbacks": lambda: [AveragedWeights(start=3, period=2)],
    },
    "averaged weights": {"callbacks": lambda: [AveragedWeights(start=3, period=2)]},
    "averaged weights, between epochs": {
        "callbacks": lambda: [AveragedWeights(start=3, period=2)],
        "stop": Stop(STEPS_PER_EPOCH),
    },
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_interrupted_run_ends_like_one_left_alone(tmp_path, case):
    case = {"epochs": 2} | case
    make_callbacks, stop = case.pop("callbacks", list), case.pop("stop", Stop(9))
    alone = run(tmp_path / "alone.npz", callbacks=make_callbacks(), **case)
    path = tmp_path / "broken.npz"
    run(path, callbacks=make_callbacks(), stop=stop, **case)
    # Other first weights: those in the file count.
    assert_same_end(alone, run(path, callbacks=make_callbacks(), seed=9, **case))


def test_gradual_unfreezing_goes_on_in_its_stage(tmp_path):
    def unfreezing_run(path, stop=None, seed=3):
        model = make_model(seed=seed)
        groups = [model.layers[:2], model.layers[2:]]
        stages = [Stage(-1, 0.2), Stage(0, 0.1, multipliers=(0.1, 1.0))]
        unfreezing = GradualUnfreezing(groups, stages)
        model.optimizer.learning_rate = unfreezing.schedule(STEPS_PER_EPOCH)
        return run(path, make=lambda seed: model, callbacks=[unfreezing], stop=stop, epochs=2)

    alone = unfreezing_run(tmp_path / "alone.npz")
    for stop in (Stop(3), Stop(9)):
        unfreezing_run(tmp_path / "broken.npz", stop)
    assert_same_end(alone, unfreezing_run(tmp_path / "broken.npz", seed=9))


def test_run_broken_in_every_epoch_ends_like_one_left_alone(tmp_path):
    alone = run(tmp_path / "alone.npz")
    for stop in (Stop(0), Stop(4), Stop(9), Stop(validation=2), None):
        broken = run(tmp_path / "broken.npz", stop=stop)
    assert_same_end(alone, broken)


def test_the_comparison_would_notice_a_step_too_many(tmp_path):
    one = run(tmp_path / "one.npz", epochs=1)
    other = run(tmp_path / "other.npz", epochs=1)
    assert_same_end(one, other)
    other[0].train_on_batch(*next(iter(make_dataset(0))))
    assert state(one[0]) != state(other[0])


def test_float16_with_its_loss_scale_goes_on(tmp_path):
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    alone = run(tmp_path / "alone.npz", epochs=2)
    assert type(alone[0].optimizer).__name__ == "LossScaleOptimizer"
    run(tmp_path / "broken.npz", epochs=2, stop=Stop(8))
    assert_same_end(alone, run(tmp_path / "broken.npz", epochs=2, seed=9))


def test_finished_run_is_restored_and_not_trained(tmp_path):
    first = run(tmp_path / "run.npz", epochs=1)
    untouched = (tmp_path / "run.npz").read_bytes()
    never = Stop(0)
    second = run(tmp_path / "run.npz", stop=never, seed=11, epochs=1)
    assert_same_end(first, second)
    assert never.seen is None
    assert (tmp_path / "run.npz").read_bytes() == untouched
    assert read_progress(tmp_path / "run.npz")["finished"]


def test_a_finished_checkpoint_copied_elsewhere_is_finished(tmp_path):
    whole = run(tmp_path / "run.npz")
    copy = tmp_path / "other disk" / "copy.npz"
    copy.parent.mkdir()
    copy.write_bytes((tmp_path / "run.npz").read_bytes())
    assert read_progress(copy)["finished"]
    again = run(copy, stop=Stop(0))  # a single step would stop it
    assert_same_end(again, whole)


def test_stages_one_after_another_go_on_where_they_were_broken(tmp_path):
    def stages(folder, stop=None, seed=3):
        model = make_model(seed=seed)
        options = {"epochs": 1, "steps_per_epoch": 6, "verbose": 0, "save_every": 2}
        resumable_fit(model, make_dataset, checkpoint=folder / "one.npz", **options)
        model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", run_eagerly=True)
        callbacks = [stop] if stop else []
        return model, resumable_fit(
            model, make_dataset, checkpoint=folder / "two.npz", callbacks=callbacks, **options
        )

    alone = stages(tmp_path / "alone")
    with pytest.raises(KeyboardInterrupt):
        stages(tmp_path / "broken", Stop(3))
    assert_same_end(alone, stages(tmp_path / "broken", seed=5))


EMA = {"make": make_with(lambda: keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True))}
# Every callback of Keras, with what it needs; None for those that Keras adds by itself.
KERAS_CALLBACKS = {
    "BackupAndRestore": "refused",
    "CSVLogger": lambda folder: keras.callbacks.CSVLogger(folder / "log.csv"),
    "EarlyStopping": lambda folder: early_stopping()[0],
    "History": None,
    "LambdaCallback": lambda folder: keras.callbacks.LambdaCallback(),
    "LearningRateScheduler": lambda folder: decaying_rate()[0],
    "ModelCheckpoint": lambda folder: keras.callbacks.ModelCheckpoint(
        folder / "{epoch}.weights.h5", save_weights_only=True, save_freq=4
    ),
    "OrbaxCheckpoint": "needs orbax",
    "ProgbarLogger": None,
    "ReduceLROnPlateau": lambda folder: keras.callbacks.ReduceLROnPlateau(
        patience=1, min_delta=10.0, factor=0.5, cooldown=1
    ),
    "RemoteMonitor": "needs a server",
    "SwapEMAWeights": lambda folder: keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
    "TensorBoard": "needs tensorboard",
    "TerminateOnNaN": lambda folder: keras.callbacks.TerminateOnNaN(),
}


def test_every_callback_of_keras_is_tried():
    kinds = {name for name, kind in vars(keras.callbacks).items() if isinstance(kind, type)}
    assert kinds - {"Callback", "CallbackList"} == KERAS_CALLBACKS.keys()
    known = {*KERAS_STATES, *_STATELESS_OF_KERAS, keras.callbacks.BackupAndRestore}
    assert {kind.__name__ for kind in known} == KERAS_CALLBACKS.keys()


ALONE = ("EarlyStopping", "SwapEMAWeights")  # they take hold of the weights


@pytest.mark.parametrize(
    "names",
    [(name,) for name in ALONE]
    + [tuple(n for n, make in KERAS_CALLBACKS.items() if callable(make) and n not in ALONE)],
    ids=[*ALONE, "all others"],
)
def test_broken_inside_and_between_epochs_it_ends_the_same_with_callbacks_of_keras(tmp_path, names):
    options, ends = (EMA if "SwapEMAWeights" in names else {}) | {"epochs": 4}, []
    for folder, stops in (("alone", [None]), ("broken", [Stop(7), Stop(12), None])):
        (tmp_path / folder).mkdir()
        for part, stop in enumerate(stops):
            callbacks = [KERAS_CALLBACKS[name](tmp_path / folder) for name in names]
            path = tmp_path / folder / "run.npz"
            end = run(path, callbacks=callbacks, stop=stop, seed=3 + part, **options)
            if "CSVLogger" in names:
                callbacks[0].csv_file.close()  # Keras leaves it open where a fit breaks
        ends.append(end)
    assert_same_end(*ends)
    if "ModelCheckpoint" in names:
        alone, broken = (sorted((tmp_path / f).glob("*.h5")) for f in ("alone", "broken"))
        assert [path.name for path in broken] == [path.name for path in alone]
        rows = [(tmp_path / f / "log.csv").read_text() for f in ("alone", "broken")]
        assert rows[0] == rows[1]
        assert len(rows[0].splitlines()) == 1 + 4


def test_a_callback_that_carries_what_is_not_saved_is_named(tmp_path):
    class Counting(keras.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1

    path = tmp_path / "run.npz"
    run(path, callbacks=[Counting()], stop=Stop(4), epochs=1)
    with pytest.warns(UserWarning, match="callback Counting begins again.* its batches;"):
        run(path, callbacks=[Counting()], epochs=1)


def test_a_second_run_beside_the_first_is_refused_and_changes_nothing(tmp_path):
    path, refused = tmp_path / "run.npz", []

    def second(epoch, logs):
        with pytest.raises(ValueError, match=r"another run is writing .*run.npz"):
            run(path, seed=5)
        refused.append(epoch)

    watch = keras.callbacks.LambdaCallback(on_epoch_begin=second)
    end = run(path, callbacks=[watch], epochs=1)
    assert refused == [0]
    assert_same_end(end, run(tmp_path / "alone.npz", epochs=1))


def test_what_a_broken_fit_left_attached_is_gone_before_the_next_begins(tmp_path):
    model = make_model()
    groups = [model.layers[:2], model.layers[2:]]
    options = {"callbacks": [LayerwiseLearningRates(groups, [0.0, 0.0]), Stop(0)], "verbose": 0}
    with pytest.raises(KeyboardInterrupt):
        model.fit(make_dataset(0).take(2), shuffle=False, **options)
    before = model.layers[0].get_weights()[0]
    run(tmp_path / "run.npz", make=lambda seed: model, epochs=1)
    assert np.any(model.layers[0].get_weights()[0] != before)


@pytest.fixture(scope="module")
def broken_run(tmp_path_factory):
    """The checkpoint of a run of 2 epochs that ended after 4 steps."""
    path = tmp_path_factory.mktemp("broken") / "run.npz"
    run(path, stop=Stop(4), epochs=2, settings={"seed": 1})
    return path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": {"seed": 2}}, "seed=1 .now 2"),
        ({"settings": {}}, "seed=1 .now '.not set"),
        ({"epochs": 4}, "epochs=2 .now 4"),
        ({"steps_per_epoch": 3}, "steps_per_epoch=6 .now 3"),
        ({"make": lambda seed: make_model(keras.optimizers.Adam(), seed=seed)}, "optimizer='SGD'"),
        ({"callbacks": [keras.callbacks.EarlyStopping()]}, "callbacks=.. .now"),
    ],
)
def test_other_settings_are_refused_and_the_checkpoint_stays(tmp_path, broken_run, change, message):
    path = tmp_path / "run.npz"
    path.write_bytes(broken_run)
    with pytest.raises(ValueError, match=message):
        run(path, **({"settings": {"seed": 1}, "epochs": 2} | change))
    assert path.read_bytes() == broken_run


def test_another_model_is_refused_and_keeps_its_weights(tmp_path, broken_run):
    path = tmp_path / "run.npz"
    path.write_bytes(broken_run)
    options = {"settings": {"seed": 1}, "epochs": 2}
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5)])
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    before = model.get_weights()
    with pytest.raises(ValueError, match="of another model: it holds"):
        run(path, make=lambda seed: model, **options)
    for kept, weight in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, weight)

    checkpoint = read_checkpoint(path)
    checkpoint.arrays["model/0"] = np.zeros((5, 7), "float32")
    write_checkpoint(path, checkpoint)
    with pytest.raises(ValueError, match=r"kernel is float32 \(5, 6\), there float32 \(5, 7\)"):
        run(path, **options)


def test_other_environment_is_a_warning(tmp_path, broken_run, monkeypatch):
    (tmp_path / "run.npz").write_bytes(broken_run)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "elsewhere")
    with pytest.warns(UserWarning, match="not bit-identical.*TF_ENABLE_ONEDNN_OPTS"):
        run(tmp_path / "run.npz", epochs=2, settings={"seed": 1}, stop=Stop(4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be .*, got 0"),
        ({"steps_per_epoch": None}, "steps_per_epoch must be .*, got None"),
        ({"save_every": 1.5}, "save_every must be .*, got 1.5"),
        ({"settings": {"seed": object()}}, "settings must be a dict that JSON can hold"),
        ({"make": lambda seed: keras.Sequential()}, "model is not compiled"),
        (
            {"make": lambda seed: make_model(steps_per_execution=4, eager=False)},
            "steps_per_execution=4",
        ),
        (
            {"make": lambda seed: make_model(steps_per_execution="auto")},
            "^steps_per_execution must be a whole number of at least 1, got 'auto'",
        ),
        ({"settings": {"x": float("nan")}}, "^settings must be a dict that JSON can hold"),
        ({"initial_epoch": 2}, "^initial_epoch must be left out, .*, got 2"),
    ],
)
def test_impossible_arguments_are_named_and_nothing_is_written(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path / "run.npz", **options)
    assert not list(tmp_path.iterdir())


def test_resumed_with_executions_over_the_end_of_the_epoch_it_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    run(path, stop=Stop(3), save_every=3)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"^steps_per_execution must divide the 3 steps .*, got 2"):
        run(path, make=make_with(lambda: None, steps_per_execution=2))
    assert path.read_bytes() == before


def fit_with(path, dataset_from, **options):
    """A run of 3 epochs with the batches that a function of the step gives."""
    model = make_model(**options)
    sizes = {"epochs": 3, "steps_per_epoch": 4, "save_every": 1, "verbose": 0}
    return model, resumable_fit(model, dataset_from, checkpoint=path, **sizes)


def unknown(first_step, count):
    """The batches of the first `count` steps, of a length that only reading tells."""
    return make_dataset(first_step).take(count - first_step).filter(lambda x, y: True)


def generator(first_step, count):
    yield from unknown(first_step, count)


@pytest.mark.parametrize(
    ("make", "options", "step"),
    [
        (unknown, {}, 7),
        # Step 6 is the first of an execution that has no second.
        (unknown, {"eager": False, "steps_per_execution": 2}, 6),
        (generator, {}, 7),
    ],
    ids=["of unknown length", "two steps an execution", "generator"],
)
@pytest.mark.filterwarnings("ignore:.*Your input ran out of data")  # of Keras
def test_a_dataset_that_ends_ends_the_run_and_no_step_is_counted_that_was_not_done(
    tmp_path, make, options, step
):
    path = tmp_path / "run.npz"
    with pytest.raises(ValueError, match=r"^make_dataset must give 12 batches, .*, got 7: "):
        fit_with(path, lambda first_step: make(first_step, 7), **options)
    progress = read_progress(path)
    assert (progress["step"], progress["finished"], progress["epochs_done"]) == (step, False, [0])
    alone = fit_with(tmp_path / "alone.npz", make_dataset, **options)
    # The very batches that are needed are enough.
    again = fit_with(path, lambda first_step: make(first_step, 12), seed=9, **options)
    assert_same_end(alone, again)


def test_a_dataset_known_to_be_too_short_is_refused_before_the_first_step(tmp_path):
    # Keras would begin it again, and make_dataset(4) may give other batches.
    one_epoch = make_dataset(0).take(4)
    with pytest.raises(ValueError, match=r"^make_dataset must give 12 batches, .*, got 4: "):
        fit_with(tmp_path / "run.npz", one_epoch.skip)
    assert not list(tmp_path.iterdir())


class StopTraining(keras.callbacks.Callback):
    """Asks for the end of the training inside the second epoch, after the tenth step."""

    stateless = True

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (1, 3):
            self.model.stop_training = True


def interrupt(logs):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("broken_by", "step"),
    [
        (Stop(validation=1), 8),  # nothing is saved between the stop and the end of the epoch
        (keras.callbacks.LambdaCallback(on_train_end=interrupt), 10),
    ],
    ids=["in the validation after it", "after the epoch"],
)
def test_stopped_by_a_callback_inside_an_epoch_it_ends_there(tmp_path, broken_by, step):
    path = tmp_path / "broken.npz"
    alone = run(tmp_path / "alone.npz", callbacks=[StopTraining()])
    assert alone[0].optimizer.iterations == 10
    assert alone[1].epoch == [0, 1]
    run(path, callbacks=[StopTraining()], stop=broken_by)
    progress = read_progress(path)
    assert (progress["step"], progress["stopped"]) == (step, step == 10)
    for seed in (8, 9):  # goes on, and is restored
        assert_same_end(alone, run(path, callbacks=[StopTraining()], seed=seed))
    progress = read_progress(path)
    assert (progress["step"], progress["stopped"], progress["finished"]) == (10, True, True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_run_killed_three_times_ends_with_the_same_bits(tmp_path):
    # One process imports TensorFlow and forks, before TensorFlow starts anything, a child
    # for each part: see the end of this file.
    # Python 3.12 and later warn of forks where threads run, like those that NumPy keeps for its
    # products; a child makes its own, and where warnings are errors it must still be forked.
    rule = "-Wignore:This process:DeprecationWarning"
    paths = [str(Path(small_runs.__file__).parent), *filter(None, [os.getenv("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, rule, __file__, str(tmp_path)]
    subprocess.run(command, check=True, env=environment)
    killed = [read_progress(tmp_path / f"killed_{part}.npz")["step"] for part in (1, 2, 3)]
    assert killed == [4, 6, 16]
    alone = read_checkpoint(tmp_path / "alone.npz")
    broken = read_checkpoint(tmp_path / "broken.npz")
    assert alone.finished
    assert alone.facts() == broken.facts()
    assert list(alone.arrays) == list(broken.arrays)
    for name, array in alone.arrays.items():
        assert array.tobytes() == broken.arrays[name].tobytes(), name
    assert not list(tmp_path.glob(".*")), "what the killed writer left is still there"


def kill_and_resume(folder):
    """Runs once whole, and once killed in mid-epoch, in writing, and in validation."""

    def child(path, **options):
        process = os.fork()
        if process == 0:
            run(path, make=make_adam_in_graph, **options)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    class KillInWriting(Stop):
        def on_train_batch_end(self, batch, logs=None):
            if self.epoch * STEPS_PER_EPOCH + batch == 7:
                np.savez = self.half_a_file

        def half_a_file(self, file, **arrays):
            file.write(b"half")
            file.flush()
            self.stop()

    assert child(folder / "alone.npz") == 0
    ends = [Stop(4, kill=True), KillInWriting(kill=True), Stop(validation=2, kill=True)]
    for part, stop in enumerate(ends, start=1):
        seed = 3 if part == 1 else 100 + part  # other first weights: the file's count
        assert child(folder / "broken.npz", stop=stop, seed=seed) == -signal.SIGKILL
        (folder / f"killed_{part}.npz").write_bytes((folder / "broken.npz").read_bytes())
    assert child(folder / "broken.npz", seed=200) == 0


if __name__ == "__main__":
    kill_and_resume(Path(sys.argv[1]))
