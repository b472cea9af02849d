"""Files as `torch.save` writes them, without PyTorch.

A test reads them with PyTorch where it is installed.
"""

import pickle
import struct
import zipfile

import numpy as np

KINDS = {
    **{"float32": "FloatStorage", "float64": "DoubleStorage", "float16": "HalfStorage"},
    **{"int64": "LongStorage", "bool": "BoolStorage"},
}


def named(name):
    module, _, name = name.rpartition(".")
    return f"c{module}\n{name}\n".encode()


def plain(value):
    return pickle.dumps(value, 2)[2:-1]


def opcodes(value, storages, views=b""):
    """What pickles a value; arrays are added to `storages`, one array once."""
    if isinstance(value, dict):
        items = [plain(name) + opcodes(item, storages, views) for name, item in value.items()]
        return b"}(" + b"".join(items) + b"u"
    if not isinstance(value, np.ndarray):
        return plain(value)
    key = next((k for k, array in storages.items() if array is value), str(len(storages)))
    storages[key] = value
    strides = tuple(stride // value.itemsize for stride in value.strides)
    storage = b"(" + plain("storage") + named(f"torch.{KINDS[value.dtype.name]}")
    storage += plain(key) + plain("cpu") + plain(value.size) + views + b"tQ"
    arguments = plain(0) + plain(value.shape) + plain(strides) + plain(False)
    hooks = named("collections.OrderedDict") + b")R"
    return named("torch._utils._rebuild_tensor_v2") + b"(" + storage + arguments + hooks + b"tR"


def write_torch_file(path, content):
    """As PyTorch does since 1.6. Arrays of `content` must be contiguous."""
    storages = {}
    data = b"\x80\x02" + opcodes(content, storages) + b"."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}/data.pkl", data)
        archive.writestr(f"{path.stem}/byteorder", "little")
        for key, array in storages.items():
            archive.writestr(f"{path.stem}/data/{key}", array.tobytes())
        archive.writestr(f"{path.stem}/version", "3\n")
    return path


def write_old_torch_file(path, content):
    """As PyTorch did before 1.6, when fast.ai's weights were made."""
    storages = {}
    data = b"\x80\x02" + opcodes(content, storages, views=b"N") + b"."
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"long": 4}}
    with path.open("wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, system):
            file.write(pickle.dumps(value, 2))
        file.write(data + pickle.dumps(list(storages), 2))
        for array in storages.values():
            file.write(struct.pack("<q", array.size) + array.tobytes())
    return path
