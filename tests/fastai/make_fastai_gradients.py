"""Run by a Python that has fastai: gradients of one training step, for the golden numbers.

    PYTHONPATH=tests python tests/fastai/make_fastai_gradients.py tests/golden/fastai_gradients.npz

Weights are those of `golden_weights`; float64, one thread, no dropout. Of each parameter there
are `KIND/NAME`, the elements at `sample_indices`, and `KIND/NAME/sum`, the sum of all elements
times `wave` of the same shape, in PyTorch's layout. Imports nothing of tfast.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the script beside it

import make_fastai_models  # first: it makes torchvision importable
import numpy as np
import torch
from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_clas_config, awd_lstm_lm_config
from fastai.text.models.core import get_language_model, get_text_classifier
from golden_weights import golden_json, golden_state_dict, sample_indices, wave

FACTS = golden_json("fastai_numerics.json")
SIZES = {"emb_sz": 12, "n_hid": 20, "n_layers": 3}


def image_model():
    model = make_fastai_models.xresnet.xresnet18(n_out=10)
    loss = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    return model, "xresnet18", wave((4, 3, 64, 64), 5), [1, 3, 5, 7], loss


def language_model():
    ids = np.random.RandomState(7).randint(2, 50, (4, 9))
    model = get_language_model(AWD_LSTM, 50, awd_lstm_lm_config | SIZES)
    model.reset()
    loss = torch.nn.CrossEntropyLoss()
    return model, "lm", ids[:, :8], ids[:, 1:], lambda x, y: loss(x.transpose(1, 2), y)


def text_classifier():
    ids = np.random.RandomState(8).randint(2, 50, (4, 12))
    config = awd_lstm_clas_config | SIZES
    model = get_text_classifier(AWD_LSTM, 50, 3, seq_len=20, config=config)
    model.reset()
    return model, "classifier", ids, [0, 1, 2, 1], torch.nn.CrossEntropyLoss()


def drop_nothing(model):
    for module in model.modules():
        for rate in ("p", "embed_p", "weight_p"):
            if hasattr(module, rate):
                setattr(module, rate, 0.0)


def main(path):
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    arrays = {}
    for make in (image_model, language_model, text_classifier):
        model, kind, inputs, targets, loss_of = make()
        state = golden_state_dict(FACTS[kind]["keys"])
        model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
        drop_nothing(model)
        model.train()
        outputs = make_fastai_models.first(model(torch.from_numpy(inputs)))
        loss = loss_of(outputs, torch.as_tensor(targets))
        loss.backward()
        arrays[f"{kind}/loss"] = loss.detach().numpy()
        for name, parameter in model.named_parameters():
            gradient = parameter.grad.numpy()
            samples = gradient.ravel()[sample_indices(gradient.size)]
            arrays[f"{kind}/{name}"] = samples.astype("float32")
            arrays[f"{kind}/{name}/sum"] = np.sum(gradient * wave(gradient.shape, 99))
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
