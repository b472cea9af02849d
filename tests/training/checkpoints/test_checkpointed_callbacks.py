import keras
import numpy as np
from small_runs import STEPS_PER_EPOCH, Stop, make_dataset, make_model, run

from tfast.training.checkpoints.resume import read_progress, resumable_fit


def test_no_more_than_save_every_steps_are_repeated(tmp_path):
    run(tmp_path / "run.npz", stop=Stop(10), save_every=2)
    assert read_progress(tmp_path / "run.npz")["step"] == 10
    steps = []

    def noting(first_step):
        steps.append(first_step)
        return make_dataset(first_step)

    model = make_model()
    options = {"epochs": 3, "steps_per_epoch": STEPS_PER_EPOCH, "verbose": 0}
    resumable_fit(model, noting, checkpoint=tmp_path / "run.npz", **options)
    assert min(steps) == 10


class Counter(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []
        self.batches = 0

    def on_train_begin(self, logs=None):
        self.calls.append("begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        self.calls.append(f"{batch}")

    def on_train_end(self, logs=None):
        self.calls.append("end")

    def get_state(self):
        return {"batches": np.array(self.batches)}

    def set_state(self, state):
        self.batches = int(state["batches"])


def test_callbacks_keep_their_state_and_the_numbers_of_batches(tmp_path):
    run(tmp_path / "run.npz", callbacks=[Counter()], stop=Stop(4), epochs=2)
    counter = Counter()
    run(tmp_path / "run.npz", callbacks=[counter], epochs=2)
    rest, whole = ["begin", 0, "4", "5", "end"], ["begin", 1, *"012345", "end"]
    assert counter.calls == [*rest, *whole]
    assert counter.batches == 12


def test_progress_bar_counts_on(tmp_path, capsys):
    run(tmp_path / "run.npz", stop=Stop(9), epochs=2)
    run(tmp_path / "run.npz", epochs=2, verbose=1)
    shown = capsys.readouterr().out
    assert "Epoch 2/2" in shown
    assert "Epoch 1/2" not in shown
    assert "3/6" in shown
    assert "6/6" in shown
    assert "1/6" not in shown
