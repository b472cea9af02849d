"""What the replicas of a `tf.distribute` strategy tell each other during a step.

Each replica sees some of a batch's rows. Losses, gradients and carried states are those of one
device that sees them all. Without a strategy, and on other backends, there is one replica.
"""

from typing import Any

import keras
from keras import ops

from tfast.types import Tensor


def num_replicas() -> int:
    """How many replicas the current strategy has.

    Examples:
        >>> num_replicas()
        1
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def in_several_replicas() -> bool:
    """Whether this is the code of one replica of several."""
    if num_replicas() == 1:
        return False
    import tensorflow as tf

    # None outside `strategy.run`: a model is called by hand under the strategy's scope.
    return tf.distribute.get_replica_context() is not None


def first_row(local_rows: Tensor) -> Tensor | int:
    """Which row of the whole batch is the first one of this replica.

    Args:
        local_rows: `(batch, ...)`, this replica's part of something.
    """
    if not in_several_replicas():
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    counts = context.all_gather(tf.shape(local_rows)[:1], axis=0)
    return tf.cumsum(counts, exclusive=True)[context.replica_id_in_sync_group]


def gather_rows(tensors: list[Tensor]) -> list[Tensor]:
    """The rows of all replicas, in the order of the whole batch.

    Args:
        tensors: `(batch, width)` each, of one dtype.
    """
    if not in_several_replicas():
        return tensors
    import tensorflow as tf

    # Side by side: one message instead of one for each.
    together = tf.concat(tensors, axis=1)
    together = tf.distribute.get_replica_context().all_gather(together, axis=0)
    return tf.split(together, [tensor.shape[1] for tensor in tensors], axis=1)


def mean_loss_of_replica(loss: Tensor, local_rows: Tensor) -> Tensor:
    """What a replica returns for a loss that is a mean over its rows.

    Keras adds up the gradients of all replicas, and logs the mean over replicas of their losses
    times the number of replicas, weighted by rows. So the value is the loss divided by that
    number; and the gradient is weighted by rows, which is the same unless the replicas have
    different numbers of rows.

    Args:
        loss: a scalar.
        local_rows: `(batch, ...)`, this replica's part of the batch.
    """
    if not in_several_replicas():
        return loss
    import tensorflow as tf

    rows = tf.cast(tf.shape(local_rows)[0], loss.dtype)
    all_rows = tf.distribute.get_replica_context().all_reduce("SUM", rows)
    by_rows = loss * rows / all_rows
    return by_rows + tf.stop_gradient(loss / num_replicas() - by_rows)


def prepare_data(model: keras.Model, data: Any, *, max_rows: int) -> Any:
    """Data for a model's `fit`, with integers for booleans where its strategy has replicas.

    Keras averages a first batch over the replicas, which TensorFlow cannot do with booleans, nor
    with parts of different sizes.

    Args:
        model: the model, which knows the strategy it was made under.
        data: a `tf.data.Dataset`, or a structure of arrays; anything else is left as it is.
        max_rows: how many rows a batch may have.

    Raises:
        ValueError: a batch of the dataset has too many rows, or not the same number for each
            replica.
    """
    strategy = getattr(model, "distribute_strategy", None)  # of Keras on TensorFlow alone
    if strategy is None or strategy.num_replicas_in_sync == 1:
        return data
    import tensorflow as tf

    def to_integers(batch: Any) -> Any:
        return keras.tree.map_structure(_to_integer, batch)

    if not isinstance(data, tf.data.Dataset):
        return to_integers(data) if isinstance(data, dict | list | tuple) else data
    for spec in tf.nest.flatten(data.element_spec):
        rows = spec.shape[0] if spec.shape.rank else None
        if rows is not None and (rows > max_rows or rows % strategy.num_replicas_in_sync):
            raise ValueError(
                f"the batch must have at most {max_rows} rows (max_batch_size), the same number "
                f"for each of {strategy.num_replicas_in_sync} replicas, got {rows}"
            )
    return data.map(lambda *parts: to_integers(parts if len(parts) > 1 else parts[0]))


def refuse_clipping(model: keras.Model) -> None:
    """Refuses an optimizer that would clip the gradients of each replica by themselves.

    Keras 3.15 clips before it adds them up, so that the step would not be that of one device.

    Raises:
        ValueError: the model has several replicas and its optimizer clips.
    """
    strategy = getattr(model, "distribute_strategy", None)
    if strategy is None or strategy.num_replicas_in_sync == 1:
        return
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    for name in ("clipnorm", "clipvalue", "global_clipnorm"):
        if getattr(optimizer, name, None) is not None:
            raise ValueError(
                f"optimizer must not clip gradients on several replicas, got {name}="
                f"{getattr(optimizer, name)}: Keras would clip those of each replica alone"
            )


def _to_integer(value: Any) -> Any:
    is_boolean = str(getattr(value, "dtype", None)) in ("bool", "<dtype: 'bool'>")
    return ops.cast(value, "int32") if is_boolean else value
