import gc
import os

# Before anything imports TensorFlow or Keras.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "agg")

import keras
import pytest
import tensorflow as tf

# Run in processes of their own: see test_without_tensorflow.py, fastai/test_live.py and
# pretrained/test_live.py.
collect_ignore = [
    *("jax_backend", "torch_backend"),
    *("fastai/make_fastai_models.py", "fastai/make_fastai_gradients.py"),
    *("pretrained/make_timm_models.py", "pretrained/make_fastai_archives.py"),
]

# Two virtual processors, for the tests with tf.distribute.MirroredStrategy.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

# A million objects of TensorFlow and Keras that stay: looking through them for garbage, again and
# again, took a twentieth of the time.
gc.freeze()

# Besides slow tests these have their graphs optimized, as users do: what is promised of odd numbers
# and of any input, and what threads share.
OPTIMIZED = {
    *("reliability", "runtime"),
    *("test_batch_norm.py", "test_documents.py", "test_precision.py", "test_token_batches.py"),
}


@pytest.fixture(autouse=True)
def _optimizer_of_graphs(request):
    """Tiny graphs take longer to optimize than to run."""
    optimized = request.node.get_closest_marker("slow") or OPTIMIZED.intersection(
        request.path.parts
    )
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not optimized})


@pytest.fixture(autouse=True)
def _fresh_keras_state():
    """Each test starts with the same seed, policy and layer names, and leaves them so."""
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    policy = keras.mixed_precision.dtype_policy()
    yield
    keras.mixed_precision.set_dtype_policy(policy)
