"""A trained image model gets a new head for other classes.

    transfer_model     body of a trained model, new head
    create_head        the head alone: fastai's, or the lesson's plain one
    with_dtype_policy  the same model in another precision

`tfast.vision.xresnet.layer_groups` gives body and head as groups. To train the head alone, with
the batch norms of the body training on, call `tfast.training.layer_groups.freeze_to(model,
groups, -1)` before `fit`; then everything, with 0. Keras's own `save_weights` and
`load_weights` keep the weights.
"""

from typing import Any

import keras
from keras import layers

from tfast import arguments
from tfast.training.batch_norm import BatchNorm
from tfast.types import Tensor
from tfast.vision.layer_groups import cut_head

# What has a dtype in the configuration of a model and computes nothing.
NOT_LAYERS = ("InputLayer", "__keras_tensor__")


def transfer_model(
    model: keras.Model, num_classes: int, *, head: str = "fastai", drop_rate: float = 0.5
) -> keras.Model:
    """The body of `model` under a new, untrained head for `num_classes` classes.

    The body's layers are shared with `model`, not copied: training one trains both. To keep
    `model` as it is, load it a second time.

    Args:
        model: a trained Functional or Sequential model from images to logits: an XResNet, one
            that came from here, one of `keras.applications`, also where that is nested in
            another (`Model(inputs, outputs(base(inputs)))`, `Sequential([base, ...])`).
        num_classes: length of the new logits.
        head: `"fastai"` or `"plain"`, see `create_head`.
        drop_rate: see `create_head`.

    Returns:
        A Functional `keras.Model`: images as `model` takes them, to float32 logits
        `(batch, num_classes)`. Its new layers are called `head_...` and `logits`.

    Raises:
        ValueError: as `create_head` and `tfast.vision.xresnet.layer_groups` do.

    Examples:
        >>> from tfast.vision.xresnet import xresnet
        >>> trained = xresnet(10, block_counts=(1,), expansion=1)
        >>> model = transfer_model(trained, 3, head="plain")
        >>> model.layers[2] is trained.layers[2], model.output_shape
        (True, (None, 3))

    Source: fastai `create_vision_model`.
    """
    inputs, features = body_of(model)
    logits = create_head(features, num_classes, head=head, drop_rate=drop_rate)
    return keras.Model(inputs, logits, name=model.name)


def body_of(model: keras.Model) -> tuple[Tensor, Tensor]:
    """Input and last feature map of a model, whose layers are shared.

    Args:
        model: as in `transfer_model`.

    Returns:
        Keras tensors: the images, and the features `(batch, height, width, channels)`.

    Raises:
        ValueError: as `tfast.vision.xresnet.layer_groups` does.

    Examples:
        >>> base = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
        >>> model = keras.Sequential([base, keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> body_of(model)[1].shape
        (None, 6, 6, 4)
    """
    last, nested = cut_head(model)
    if nested is not None:
        inner = keras.Model(*body_of(nested), name=nested.name)
    elif last is not None and not any(isinstance(layer, keras.Model) for layer in model.layers):
        return model.input, last.output

    # Layers of nested models have their outputs in those: what they give here is seen when
    # they are called once more. Weights and arguments (`training=False`) stay the same.
    seen: list[Tensor] = []

    def call(layer: keras.Layer, *inputs: Any, **options: Any) -> Any:
        if layer is nested:
            seen.append(inner(*inputs, **options))
        outputs = layer(*inputs, **options)
        if layer is last:
            seen.append(outputs)
        return outputs

    functional = _as_functional(model)
    again = keras.models.clone_model(
        functional, clone_function=lambda layer: layer, call_function=call
    )
    return again.input, seen[-1]


def _as_functional(model: keras.Model) -> keras.Model:
    """The layers of a Sequential model one after another, with the same weights."""
    if not isinstance(model, keras.Sequential):
        return model
    inputs = x = keras.Input(batch_shape=model.input_shape, dtype=model.inputs[0].dtype)
    for layer in model.layers:
        x = layer(x)
    return keras.Model(inputs, x, name=model.name)


def create_head(
    features: Tensor, num_classes: int, *, head: str = "fastai", drop_rate: float = 0.5
) -> Tensor:
    """From a body's features to logits, by maximum and average pooling joined.

    fastai's head: batch norm, dropout of half `drop_rate`, dense 512 without bias, relu, batch
    norm, dropout of `drop_rate`, dense without bias. The plain one: dense.

    Args:
        features: Keras tensor `(batch, height, width, channels)`.
        num_classes: length of the logits.
        head: `"fastai"` or `"plain"`.
        drop_rate: of the fastai head's last dropout, in [0, 1).

    Returns:
        Keras tensor `(batch, num_classes)`, float32 under every dtype policy.

    Raises:
        ValueError: another `head`, a rate out of range, no positive number of classes.

    Examples:
        >>> create_head(keras.Input((2, 2, 64)), 3).shape
        (None, 3)

    Source: fastai `create_head`; fast.ai part 2 (2019), lesson 12, for the plain one.
    """
    arguments.one_of("head", head, ("fastai", "plain"))
    num_classes = arguments.whole_number("num_classes", num_classes)
    drop_rate = arguments.fraction("drop_rate", drop_rate)

    largest = layers.GlobalMaxPooling2D(name="head_max_pool")(features)
    mean = layers.GlobalAveragePooling2D(name="head_average_pool")(features)
    x = layers.Concatenate(name="head_pool")([largest, mean])
    if head == "fastai":
        x = BatchNorm(name="head_0_norm")(x)
        x = layers.Dropout(drop_rate / 2, name="head_0_dropout")(x)
        x = _dense(512, use_bias=False, activation="relu", name="head_0_dense")(x)
        x = BatchNorm(name="head_1_norm")(x)
        x = layers.Dropout(drop_rate, name="head_1_dropout")(x)
    return _dense(num_classes, use_bias=head == "plain", dtype="float32", name="logits")(x)


def with_dtype_policy(model: keras.Model, policy: str | keras.DTypePolicy) -> keras.Model:
    """A copy of a model that computes under another dtype policy.

    `keras.saving.load_model` gives each layer the policy that it was saved with, whatever
    `set_precision` says. Layers that were kept in float32 on purpose stay so: the last one,
    and in a mixed-precision model all that are not mixed. Layers of nested models and of
    wrappers such as `TimeDistributed` are copied likewise.

    Args:
        model: a Functional or Sequential model.
        policy: a dtype policy or its name, say `"mixed_float16"`.

    Returns:
        A model with the same weights, not compiled.

    Raises:
        ValueError: `model` is of another kind, or holds a model that cannot be copied so.

    Examples:
        >>> from tfast.vision.xresnet import xresnet
        >>> model = xresnet(10, block_counts=(1,), expansion=1)
        >>> model = with_dtype_policy(model, "mixed_bfloat16")
        >>> model.get_layer("stem_0_conv").compute_dtype, model.get_layer("logits").compute_dtype
        ('bfloat16', 'float32')
    """
    policy = keras.dtype_policies.get(policy).name  # all layers can hold a word in their config
    inner = leaves(model)
    mixed = {layer.dtype_policy.name for layer in inner} - {"float32"}
    pinned = [
        layer
        for layer in inner
        if layer.dtype_policy.name == "float32" and (mixed or layer is inner[-1])
    ]

    def clone(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, keras.Model):
            raise ValueError(
                f"model {model.name!r} must be made of Functional and Sequential models, got "
                f"{layer.name!r} of type {type(layer).__name__} in it"
            )
        config = layer.get_config()
        if not any(layer is each for each in pinned):
            config = _with_dtype(config | {"dtype": policy}, policy)
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def leaves(model: keras.Model) -> list[keras.Layer]:
    """The layers of a model and of those nested in it, in order, without models and inputs."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += leaves(layer)
        # Not of inputs: what they have is the policy of the process that loads them.
        elif not isinstance(layer, keras.layers.InputLayer):
            found.append(layer)
    return found


def _with_dtype(config: Any, policy: str) -> Any:
    """The configuration of a layer with another policy for the layers that it holds."""
    if isinstance(config, list | tuple):
        return type(config)(_with_dtype(each, policy) for each in config)
    if not isinstance(config, dict):
        return config
    config = {key: _with_dtype(value, policy) for key, value in config.items()}
    inner, kind = config.get("config"), config.get("class_name")
    if isinstance(inner, dict) and "dtype" in inner and kind not in NOT_LAYERS:
        config["config"] = inner | {"dtype": policy}
    return config


def _dense(units: int, **options: Any) -> keras.layers.Dense:
    return layers.Dense(units, kernel_initializer="he_normal", **options)
