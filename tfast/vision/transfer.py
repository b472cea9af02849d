"""A trained picture model gets a new head for other classes.

    transfer_model     body of a trained model, new head
    create_head        the head alone: fastai's, or the lesson's plain one
    with_dtype_policy  the same model in another precision

`tfast.vision.xresnet.layer_groups` gives body and head as groups. To train the head alone, with
the batch norms of the body training on, call `tfast.training.layer_groups.freeze_to(model,
groups, -1)` before `fit`; then everything, with 0. Keras's own `save_weights` and
`load_weights` keep the weights.
"""

import keras
from keras import layers

from tfast.vision.layers.batch_norm import BatchNorm
from tfast.vision.xresnet import layer_groups


def transfer_model(model, num_classes, *, head="fastai", drop_rate=0.5):
    """The body of `model` under a new, untrained head for `num_classes` classes.

    The body's layers are shared with `model`, not copied: training one trains both. To keep
    `model` as it is, load it a second time.

    Args:
        model: a trained Functional model from pictures to logits: an XResNet, one that came
            from here, one of `keras.applications`.
        num_classes: length of the new logits.
        head: `"fastai"` or `"plain"`, see `create_head`.
        drop_rate: see `create_head`.

    Returns:
        A Functional `keras.Model`: images as `model` takes them, to float32 logits
        `(batch, num_classes)`. Its new layers are called `head_...` and `logits`.

    Raises:
        ValueError: as `create_head` and `tfast.vision.xresnet.layer_groups` do.

    Example:
        >>> from tfast.vision.xresnet import xresnet
        >>> trained = xresnet(10, block_counts=(1,), expansion=1)
        >>> model = transfer_model(trained, 3, head="plain")
        >>> model.layers[2] is trained.layers[2], model.output_shape
        (True, (None, 3))

    Source: fastai `create_vision_model`.
    """
    body, _ = layer_groups(model)
    features = body[-1].output
    logits = create_head(features, num_classes, head=head, drop_rate=drop_rate)
    return keras.Model(model.input, logits, name=model.name)


def create_head(features, num_classes, *, head="fastai", drop_rate=0.5):
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

    Example:
        >>> create_head(keras.Input((2, 2, 64)), 3).shape
        (None, 3)

    Source: fastai `create_head`; fast.ai part 2 (2019), lesson 12, for the plain one.
    """
    if head not in ("fastai", "plain"):
        raise ValueError(f"head must be 'fastai' or 'plain', got {head!r}")
    if not isinstance(num_classes, int) or num_classes < 1:
        raise ValueError(f"num_classes must be a positive integer, got {num_classes!r}")
    if not 0 <= drop_rate < 1:
        raise ValueError(f"drop_rate must be in [0, 1), got {drop_rate!r}")

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


def with_dtype_policy(model, policy):
    """A copy of a model that computes under another dtype policy.

    `keras.saving.load_model` gives each layer the policy that it was saved with, whatever
    `set_precision` says. Layers that were kept in float32 on purpose stay so: the last one,
    and in a mixed-precision model all that are not mixed.

    Args:
        model: a Functional or Sequential model.
        policy: a dtype policy or its name, say `"mixed_float16"`.

    Returns:
        A model with the same weights, not compiled.

    Raises:
        ValueError: `model` is of another kind.

    Example:
        >>> from tfast.vision.xresnet import xresnet
        >>> model = xresnet(10, block_counts=(1,), expansion=1)
        >>> model = with_dtype_policy(model, "mixed_bfloat16")
        >>> model.get_layer("stem_0_conv").compute_dtype, model.get_layer("logits").compute_dtype
        ('bfloat16', 'float32')
    """
    policy = keras.dtype_policies.get(policy).name  # all layers can hold a word in their config
    # Not of inputs: what they have is the policy of the process that loads them.
    inner = [each for each in model.layers if not isinstance(each, keras.layers.InputLayer)]
    mixed = {layer.dtype_policy.name for layer in inner} - {"float32"}

    def clone(layer):
        pinned = layer.dtype_policy.name == "float32" and (mixed or layer is inner[-1])
        config = layer.get_config() | ({} if pinned else {"dtype": policy})
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def _dense(units, **options):
    return layers.Dense(units, kernel_initializer="he_normal", **options)
