import numpy as np
import pytest
import tensorflow as tf

from tfast.text.tokenization import constant_table
from tfast.text.tokenization.constant_table import ConstantTable


def test_a_constant_table_finds_what_it_holds_and_nothing_else():
    table = ConstantTable({f"key {i}": f"value {i}" for i in range(1000)})
    found, values = table.lookup(tf.constant(["key 7", "", "key 1000", "key 999"]))
    np.testing.assert_array_equal(found, [True, False, False, True])
    assert values[0] == b"value 7"
    assert values[3] == b"value 999"


def test_a_table_goes_into_any_graph():
    table = ConstantTable({"one": "1", "two": "2"})
    graph = tf.function(table.lookup, input_signature=[tf.TensorSpec([None], tf.string)])
    found, values = graph(tf.constant(["two", "ten", "one"]))
    assert found.numpy().tolist() == [True, False, True]
    assert values.numpy()[[0, 2]].tolist() == [b"2", b"1"]
    assert graph(tf.constant([], tf.string))[0].shape == (0,)


def test_keys_of_one_fingerprint_are_refused(monkeypatch):
    monkeypatch.setattr(constant_table, "_NUM_FINGERPRINTS", 2)
    with pytest.raises(ValueError, match="two keys of one fingerprint among its 3 keys"):
        ConstantTable({"a": "1", "b": "2", "c": "3"})
