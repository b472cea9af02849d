"""Converted models have fastai's gradients, element by element; see make_fastai_gradients.py."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_weights import (
    golden_arrays,
    golden_json,
    golden_state_dict,
    sample_indices,
    wave,
)

from tfast.fastai import text_models, xresnet
from tfast.fastai.xresnet_names import FastaiNames

FACTS = golden_json("fastai_numerics.json")
GRADIENTS = golden_arrays("fastai_gradients.npz")


def state_dict(kind):
    return golden_state_dict(FACTS[kind]["keys"])


def image_model():
    images = wave((4, 3, 64, 64), 5).transpose(0, 2, 3, 1).astype("float32")
    loss_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model = xresnet.xresnet_from_fastai(state_dict("xresnet18"))

    def loss():
        return loss_of(tf.one_hot([1, 3, 5, 7], 10), model(images, training=True))

    return loss, xresnet.xresnet_entries(model, FastaiNames(3, 4))


def language_model():
    ids = np.random.RandomState(7).randint(2, 50, (4, 9))
    model = text_models.language_model_from_fastai(state_dict("lm"), drop_mult=0.0)
    model.alpha = model.beta = 0.0
    inputs = {"token_ids": ids[:, :8], "starts_anew": np.ones(4, bool)}

    def loss():
        outputs = model(inputs, training=True)
        return model.compute_loss(y=ids[:, 1:], y_pred=outputs)

    return loss, text_models.language_model_entries(model)


def text_classifier():
    ids = np.random.RandomState(8).randint(2, 50, (4, 12))
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = text_models.text_classifier_from_fastai(
        state_dict("classifier"), drop_mult=0.0, head_rate=0.0
    )
    inputs = {"token_ids": ids, "lengths": np.full(4, 12)}

    def loss():
        return loss_of(np.array([0, 1, 2, 1]), model(inputs, training=True))

    return loss, text_models.text_classifier_entries(model)


def misfits(kind, make, change=lambda name, gradient: gradient):
    """Names of the parameters whose gradients, after a change, are not fastai's."""
    loss, entries = make()
    trainable = [entry for entry in entries if f"{kind}/{entry.names[0]}" in GRADIENTS]
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, [entry.variable.value for entry in trainable])
    expected = {entry.names[0]: GRADIENTS[f"{kind}/{entry.names[0]}"] for entry in trainable}
    # Some gradients are zero in exact arithmetic: zero beside the largest.
    smallest = 1e-6 * max(abs(samples).max() for samples in expected.values())
    found = [] if np.isclose(value, GRADIENTS[f"{kind}/loss"], rtol=1e-5) else ["loss"]
    for entry, gradient in zip(trainable, gradients, strict=True):
        name = entry.names[0]
        entry.variable.assign(tf.convert_to_tensor(gradient))
        ours = change(name, entry.to_pytorch().astype("float64"))
        tolerance = 2e-4 * abs(expected[name]).max() + smallest
        elements = abs(ours.ravel()[sample_indices(ours.size)] - expected[name])
        # All elements: a sum with weights that are as often positive as negative.
        total = np.sum(ours * wave(ours.shape, 99)) - GRADIENTS[f"{kind}/{name}/sum"]
        if max(elements.max(), abs(total) / np.sqrt(ours.size)) > tolerance:
            found.append(name)
    return found, [entry.names[0] for entry in trainable]


KINDS = {"xresnet18": image_model, "lm": language_model, "classifier": text_classifier}


@pytest.mark.parametrize("kind", KINDS)
def test_every_gradient_is_fastais(kind):
    found, names = misfits(kind, KINDS[kind])
    assert not found
    golden = {name.split("/")[1] for name in GRADIENTS if name.startswith(f"{kind}/")}
    # Of PyTorch's two biases of an LSTM, ours is the first; both have one gradient.
    assert golden - {*names, "loss"} == {name for name in golden if "bias_hh" in name}


def one_sign(name, gradient):
    """Of the element that counts most: the norm is what it was."""
    gradient = gradient.copy()
    gradient.ravel()[abs(gradient).argmax()] *= -1
    return gradient


def gates_in_keras_order_with_two_exchanged(name, gradient):
    if "rnns" not in name:
        return gradient
    i, f, g, o = np.split(gradient, 4)
    return np.concatenate([f, i, g, o])


def mirrored(name, gradient):
    return gradient[..., ::-1] if gradient.ndim == 4 and gradient.shape[-1] > 1 else gradient


@pytest.mark.parametrize(
    ("kind", "change", "changed"),
    [
        ("lm", one_sign, "1.decoder.bias"),
        ("classifier", one_sign, "1.layers.0.2.weight"),
        ("lm", gates_in_keras_order_with_two_exchanged, "0.rnns.1.module.weight_ih_l0"),
        ("xresnet18", mirrored, "4.0.convpath.0.0.weight"),
    ],
)
def test_the_comparison_notices_what_a_norm_does_not(kind, change, changed):
    found, _ = misfits(kind, KINDS[kind], change)
    assert changed in found
