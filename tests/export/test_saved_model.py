import keras
import numpy as np
import pytest
import tensorflow as tf

from tfast.export.saved_model import (
    check_class_names,
    check_precision,
    classify,
    save_signatures,
    without_cudnn,
)


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "b"], ["a", "b", "c", "d"]])
def test_class_names_that_do_not_fit_are_refused(names):
    with pytest.raises(ValueError, match=r"class_names must be 3 distinct names.*got"):
        check_class_names(names, 3)


def test_one_output_is_no_choice_between_classes():
    with pytest.raises(ValueError, match="two classes or more, got 1: it is a regression"):
        check_class_names(["price"], 1)
    assert check_class_names(["cat"], 1, multi_label=True) == ["cat"]


@pytest.mark.parametrize("names", ["ab", [b"a", b"b"], [None, "b"]])
def test_class_names_of_another_kind_are_refused(names):
    with pytest.raises(ValueError, match="class_names must be a list of strings, got"):
        check_class_names(names, 2)


def test_class_names_become_text():
    assert check_class_names([0, np.int64(1)], 2) == ["0", "1"]


def test_an_unknown_precision_is_named():
    check_precision("int8")
    with pytest.raises(ValueError, match=r"precision must be one of 'float32', .*, got 'int4'"):
        check_precision("int4")


@pytest.mark.parametrize(
    ("from_logits", "multi_label", "expected"),
    [
        (True, False, tf.nn.softmax),
        (True, True, tf.nn.sigmoid),
        (False, False, tf.identity),
        (False, True, tf.identity),
    ],
)
def test_an_answer_has_probabilities_names_and_where_one_is_right_a_label(
    from_logits, multi_label, expected
):
    outputs = tf.constant([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]], tf.float16)
    names = ["ant", "bee", "cow"]
    answer = classify(outputs, names, from_logits=from_logits, multi_label=multi_label)
    assert answer["probabilities"].dtype == tf.float32
    np.testing.assert_allclose(
        answer["probabilities"], expected(tf.cast(outputs, tf.float32)), atol=1e-6
    )
    assert answer["class_names"].numpy().tolist() == [[b"ant", b"bee", b"cow"]] * 2
    if multi_label:
        assert "labels" not in answer
    else:
        assert answer["labels"].numpy().tolist() == [b"bee", b"ant"]


def test_weights_and_tables_are_saved_and_optimizers_are_not(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 2)), verbose=0)
    lookup = keras.layers.StringLookup(vocabulary=["a", "b"])
    signature = [tf.TensorSpec([None], tf.string, name="text")]

    def serve(text):
        numbers = tf.stack([tf.cast(lookup(text), tf.float32)] * 2, axis=1)
        return {"outputs": model(numbers, training=False)}

    save_signatures({"serving_default": (serve, signature)}, tmp_path / "m", parts=[model, lookup])
    loaded = tf.saved_model.load(str(tmp_path / "m"))
    outputs = loaded.signatures["serving_default"](text=tf.constant(["b", "?"]))["outputs"]
    np.testing.assert_allclose(outputs, model(np.float32([[2, 2], [0, 0]])), atol=1e-6)
    checkpoint = str(tmp_path / "m" / "variables" / "variables")
    names = [name for name, _ in tf.train.list_variables(checkpoint)]
    assert len([name for name in names if "VARIABLE_VALUE" in name]) == len(model.weights)
    with pytest.raises(ValueError, match="exists"):
        save_signatures({"serving_default": (serve, signature)}, tmp_path / "m", parts=[model])


def test_recurrent_layers_are_traced_without_cudnn_and_left_as_they_were():
    inner = keras.layers.LSTM(3, use_cudnn=True)
    model = keras.Sequential([keras.Input((2, 4)), keras.layers.Bidirectional(inner)])
    layers = [model.layers[0].forward_layer, model.layers[0].backward_layer]
    before = [layer.use_cudnn for layer in layers]
    with pytest.raises(KeyError), without_cudnn([model]):  # noqa: PT012
        assert [layer.use_cudnn for layer in layers] == [False, False]
        raise KeyError
    assert [layer.use_cudnn for layer in layers] == before
