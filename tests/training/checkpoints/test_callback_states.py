import keras
import numpy as np
import pytest

from tfast.training.averaging import AveragedWeights
from tfast.training.checkpoints.callback_states import (
    attributes_not_saved,
    callback_names,
    check_callbacks,
    continue_files,
    get_callback_states,
    set_callback_states,
    values_of_attributes,
    warn_of_attributes_not_saved,
)

EarlyStopping = keras.callbacks.EarlyStopping


def test_states_of_several_callbacks_of_a_kind_go_to_the_right_ones():
    first, second, weights = EarlyStopping(), EarlyStopping(), [np.ones(2), np.zeros(3)]
    first.best, first.wait = 0.5, 2
    second.best, second.best_weights = 0.25, weights
    arrays = get_callback_states([first, AveragedWeights(start=1), second])
    others = [EarlyStopping(), AveragedWeights(start=1), EarlyStopping()]
    set_callback_states(others, arrays | {"model/0": np.ones(1)})
    assert (others[0].best, others[0].wait, others[0].best_weights) == (0.5, 2, None)
    assert others[2].best == 0.25
    np.testing.assert_array_equal(others[2].best_weights[1], weights[1])


def test_a_callback_whose_state_is_optional_is_no_part_of_the_settings():
    class Mine(keras.callbacks.Callback):
        state_is_optional = True

        def get_state(self):
            return {"count": np.array(3)}

        def set_state(self, state):
            self.count = int(state["count"])

    mine = Mine()
    assert callback_names([mine, keras.callbacks.TensorBoard(), EarlyStopping()]) == [
        "callback/EarlyStopping/0"
    ]
    set_callback_states([mine], {})  # of a checkpoint without it
    set_callback_states([mine], get_callback_states([mine]))
    assert mine.count == 3


def test_changed_attributes_of_unknown_callbacks_are_named():
    class Unknown(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.count, self.seen, self.sums = 0, [], np.zeros(2)
            self.fixed = {"a": (1, 2)}

    class Stateless(Unknown):
        stateless = True

    class BetterStopping(EarlyStopping):
        pass

    callbacks = [Unknown(), Stateless(), BetterStopping(), EarlyStopping()]
    before = values_of_attributes(callbacks)
    assert attributes_not_saved(callbacks, before) == {}
    for callback in callbacks[:2]:
        callback.count += 1
        callback.seen.append(0.5)
        callback.sums += 1
    callbacks[2].wait = 3  # is in its state
    callbacks[2].extra = 1
    not_saved = attributes_not_saved(callbacks, before)
    assert not_saved == {"Unknown": ["count", "seen", "sums"], "BetterStopping": ["extra"]}
    with pytest.warns(UserWarning, match=r"callback Unknown begins again.* count, seen, sums;"):
        warn_of_attributes_not_saved(callbacks[:2], not_saved)


def test_backup_and_restore_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="BackupAndRestore"):
        check_callbacks([keras.callbacks.BackupAndRestore(tmp_path)])


def test_csv_loggers_append_where_a_run_goes_on(tmp_path):
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    continue_files([logger, EarlyStopping()])
    assert logger.append
