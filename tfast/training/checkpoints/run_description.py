"""What the numbers of a run depend on beside its settings."""

import os
import platform
import sys

import keras


def describe_environment() -> dict[str, str | int | None]:
    """Versions, processors and switches, as a dict of strings and integers.

    Examples:
        >>> sorted(describe_environment())[:3]
        ['TF_ENABLE_ONEDNN_OPTS', 'keras', 'machine']
    """
    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        backend: sys.modules[backend].__version__,
        "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "unset"),
        "machine": platform.machine(),
        # Sums are split among as many threads.
        "processors": os.cpu_count(),
    }
