"""Trains a language model with PyTorch, where a GPU is, in minutes.

    python scripts/pretrain_on_gpu.py RUN/token_ids --documents 10000:-250 --epochs 3 --output W

RUN is a folder in which `tfast train-language-model` has tokenized its texts. PyTorch and NumPy are
all that is needed there, neither Keras nor TensorFlow. The recipe is that of the command: the same
network, dropout, order of reading and one cycle; but without weight decay, and the embedding begins
at random. The LSTM is cuDNN's, in half precision, the softmax exact. `--start` goes on from the
weights of another such run.

Writes weights.npz, in float16 under fastai's names, and result.json, for `pack_english.py`.
"""

import argparse
import json
import math
import platform
import re
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

# Rates of dropout of an AWD-LSTM language model, before they are multiplied: see `AWDLSTMConfig`.
OUTPUT, HIDDEN, INPUT, EMBEDDING, WEIGHT = 0.1, 0.15, 0.25, 0.02, 0.2


class LanguageModel(nn.Module):
    """`tfast.text.LanguageModel`: an AWD-LSTM whose decoder is tied to its embedding.

    Args:
        vocab_size: number of different token ids.
        embed_size: width of the embedding and of the last LSTM.
        hidden_size: width of the LSTMs between.
        num_layers: number of LSTMs.
        drop_mult: all rates of dropout are multiplied by it.
        dtype: of the arithmetic; weights are float32.
    """

    def __init__(self, vocab_size, embed_size, hidden_size, num_layers, drop_mult, dtype):
        super().__init__()
        self.drop_mult, self.dtype = drop_mult, dtype
        self.widths = [embed_size] + [hidden_size] * (num_layers - 1) + [embed_size]
        self.embedding = nn.Parameter(torch.empty(vocab_size, embed_size).uniform_(-0.1, 0.1))
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        self.kernels, self.recurrent_kernels, self.biases = (nn.ParameterList() for _ in range(3))
        for size, width in zip(self.widths, self.widths[1:], strict=False):
            bias = torch.zeros(4, width)
            bias[1] = 1.0  # forget little at first, as in Keras
            self.kernels.append(nn.init.xavier_uniform_(torch.empty(4 * width, size)))
            self.recurrent_kernels.append(nn.init.orthogonal_(torch.empty(4 * width, width)))
            self.biases.append(bias.flatten())

    def named_arrays(self):
        """The weights under fastai's names."""
        arrays = {"0.encoder.weight": self.embedding, "1.decoder.bias": self.bias}
        layers = zip(self.kernels, self.recurrent_kernels, self.biases, strict=True)
        for number, (kernel, recurrent_kernel, bias) in enumerate(layers):
            name = f"0.rnns.{number}."
            arrays |= {
                f"{name}weight_hh_l0_raw": recurrent_kernel,
                f"{name}module.weight_ih_l0": kernel,
                f"{name}module.bias_ih_l0": bias,
                f"{name}module.bias_hh_l0": torch.zeros_like(bias),  # fastai's second one
            }
        return arrays

    def initial_states(self, batch_size):
        """Zeros, hidden and cell state of each LSTM."""
        return [
            tuple(torch.zeros(1, batch_size, width, dtype=self.dtype, device=self.bias.device)
                  for _ in range(2))
            for width in self.widths[1:]
        ]  # fmt: skip

    def forward(self, ids, states):
        """Token ids (time, batch) and states to vectors (time, batch, embed) and new states."""
        table = self.embedding
        if self._rate(EMBEDDING):
            table = table * self._mask((len(table), 1), EMBEDDING)
        values = functional.embedding(ids, table).to(self.dtype)
        values = self._drop(values, INPUT)
        after = []
        for number, state in enumerate(states):
            if number:
                values = self._drop(values, HIDDEN)
            recurrent_kernel = functional.dropout(
                self.recurrent_kernels[number], self._rate(WEIGHT), self.training
            )
            bias = self.biases[number]
            weights = [self.kernels[number], recurrent_kernel, bias, torch.zeros_like(bias)]
            weights = [weight.to(self.dtype) for weight in weights]
            values, *state = torch._VF.lstm(
                values, state, weights, True, 1, 0.0, self.training, False, False
            )
            after.append(tuple(part.detach() for part in state))
        return self._drop(values, OUTPUT), after

    def _rate(self, rate):
        return rate * self.drop_mult if self.training else 0.0

    def _mask(self, shape, rate):
        kept = 1 - self._rate(rate)
        return torch.empty(shape, device=self.bias.device).bernoulli_(kept) / kept

    def _drop(self, values, rate):
        """Locked dropout: the same mask at all times."""
        if not self._rate(rate):
            return values
        return values * self._mask((1, *values.shape[1:]), rate).to(values.dtype)


def cross_entropy(hidden, embedding, bias, targets):
    """Mean over all targets, in nats, computed in float32 from products in half precision."""
    logits = (hidden.flatten(0, 1) @ embedding.to(hidden.dtype).T).float() + bias
    return functional.cross_entropy(logits, targets.flatten())


def one_cycle(position, low, peak, end):
    """From `low` to `peak` in the first quarter, then to `end`, both on a cosine."""
    start, stop, turn = (low, peak, position / 0.25) if position < 0.25 else (
        peak, end, (position - 0.25) / 0.75)  # fmt: skip
    return stop + (start - stop) * (1 + math.cos(math.pi * turn)) / 2


class Documents:
    """Token ids and where each document begins.

    Raises:
        ValueError: the folder is none of token ids, or a part has no document.
    """

    FILES = ("ids", "starts.npy", "vocabulary.txt")

    def __init__(self, folder):
        missing = [name for name in self.FILES if not (folder / name).is_file()]
        if missing:
            raise ValueError(f"TOKEN_IDS must be a folder with {', '.join(missing)}, got {folder}")
        ids, starts, vocabulary = (folder / name for name in self.FILES)
        self.starts = np.load(starts)
        self.vocab_size = len(vocabulary.read_text("utf-8").splitlines())
        self.ids = np.fromfile(ids, "uint16" if self.vocab_size <= 1 << 16 else "int32")

    def numbers(self, parts):
        """Of documents, from texts such as 0:10000*6 or 10000:-250."""
        numbers = []
        for part in parts:
            match = re.fullmatch(r"(-?\d+)?:(-?\d+)?(?:\*(\d+))?", part)
            if match is None:
                raise ValueError(f"documents must be FIRST:LAST[*TIMES], got {part}")
            first, last, times = (number and int(number) for number in match.groups())
            found = range(len(self.starts) - 1)[first:last]
            if not found or times == 0:
                raise ValueError(f"documents must be one or more, got {part}")
            numbers += list(found) * (times or 1)
        return np.array(numbers)

    def stream(self, numbers, batch_size, device):
        """The documents in this order as rows of equal length, (1 + time, batch)."""
        pieces = [self.ids[self.starts[n] : self.starts[n + 1]] for n in numbers]
        stream = torch.from_numpy(np.concatenate(pieces).astype("int64"))
        length = (len(stream) - 1) // batch_size
        if length < 1:
            raise ValueError(
                f"documents must have more than {batch_size} tokens, got {len(stream)}"
            )
        # Each row ends with the first token of the next one: the target of its last token.
        rows = stream[: length * batch_size + 1].unfold(0, length + 1, length)
        return rows.T.contiguous().to(device)

    def num_tokens(self, numbers):
        """Of these documents together."""
        return int((self.starts[numbers + 1] - self.starts[numbers]).sum())


@torch.no_grad()
def perplexity(model, documents, numbers, arguments):
    """Of documents, read one after another in a few rows."""
    model.eval()
    rows = documents.stream(numbers, 32, model.bias.device)
    states, losses, count = model.initial_states(32), 0.0, 0
    for begin in range(0, len(rows) - 1, arguments.window):
        tokens = rows[begin : begin + arguments.window + 1]
        hidden, states = model(tokens[:-1], states)
        loss = cross_entropy(hidden, model.embedding, model.bias, tokens[1:])
        losses, count = losses + loss * tokens[1:].numel(), count + tokens[1:].numel()
    model.train()
    return math.exp(float(losses) / count)


def train(model, documents, arguments, device):
    """Trains, printing how it goes; returns the steps, the seconds and the last perplexity."""
    numbers = documents.numbers(arguments.documents)
    length = (documents.num_tokens(numbers) - 1) // arguments.batch_size
    per_epoch = -(-length // arguments.window)
    total = arguments.steps or arguments.epochs * per_epoch
    print(f"{documents.num_tokens(numbers):,} tokens, {total:,} steps", flush=True)
    loss_of = torch.compile(cross_entropy, dynamic=False) if device == "cuda" else cross_entropy
    parameters = list(model.parameters())
    optimizer = torch.optim.Adam(
        parameters, lr=0.0, betas=(0.95, 0.99), eps=1e-5, fused=device == "cuda"
    )
    scaler = torch.amp.GradScaler(device, enabled=model.dtype == torch.float16)
    random = np.random.default_rng(arguments.seed)
    validation = documents.numbers(arguments.valid)
    running, begun = torch.zeros((), device=device), time.perf_counter()
    for step in range(total):
        window = step % per_epoch
        if window == 0:
            rows = documents.stream(random.permutation(numbers), arguments.batch_size, device)
            states = model.initial_states(arguments.batch_size)
        tokens = rows[window * arguments.window : (window + 1) * arguments.window + 1]
        (group,) = optimizer.param_groups
        peak = arguments.learning_rate
        group["lr"] = one_cycle(step / total, peak / 25, peak, peak / 1e5)
        group["betas"] = (one_cycle(step / total, 0.95, 0.85, 0.95), 0.99)
        hidden, states = model(tokens[:-1], states)
        # The last window of an epoch is shorter; compiling again for it would take longer.
        of = loss_of if len(tokens) == arguments.window + 1 else cross_entropy
        loss = of(hidden, model.embedding, model.bias, tokens[1:])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(parameters, 0.25)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        running += loss.detach()
        if (step + 1) % arguments.report_every == 0 or step + 1 == total:
            mean = float(running) / (step % arguments.report_every + 1)
            if not math.isfinite(mean):
                raise SystemExit("error: diverged")
            running.zero_()
            seconds = time.perf_counter() - begun
            tokens_done = (step + 1) * arguments.batch_size * arguments.window
            valid = perplexity(model, documents, validation, arguments)
            print(
                f"step {step + 1:,} of {total:,}, {seconds:.0f} s, {tokens_done / seconds:,.0f} "
                f"tokens/s, perplexity {math.exp(mean):.2f}, of validation {valid:.2f}",
                flush=True,
            )
    return total, time.perf_counter() - begun, valid


def make_parser():
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("token_ids", type=Path)
    parser.add_argument("--documents", nargs="+", default=[":-250"], metavar="FIRST:LAST[*TIMES]")
    parser.add_argument("--valid", nargs="+", default=["-250:"], metavar="FIRST:LAST")
    parser.add_argument("--start", type=Path, help="weights.npz to go on from")
    parser.add_argument("--embed-size", type=int, default=200)
    parser.add_argument("--hidden-size", type=int, default=512)
    parser.add_argument("--num-layers", type=int, default=2)
    parser.add_argument("--drop-mult", type=float, default=0.0)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--window", type=int, default=70)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--steps", type=int, help="instead of epochs")
    parser.add_argument("--precision", choices=("float16", "bfloat16", "float32"))
    parser.add_argument("--report-every", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    return parser


@torch.no_grad()
def initialize(model, documents, start):
    """The bias becomes the logarithms of frequencies; or all comes from weights.npz."""
    counts = np.bincount(documents.ids[: documents.starts[-1]], minlength=documents.vocab_size)
    frequencies = np.log(counts + 1.0)
    model.bias += torch.from_numpy(frequencies - frequencies.mean())
    if start:
        saved = np.load(start)
        for name, array in model.named_arrays().items():
            if name not in saved or saved[name].shape != tuple(array.shape):
                raise ValueError(f"start must have {name} {tuple(array.shape)}, got {start}")
            array.copy_(torch.from_numpy(saved[name].astype("float32")))


def write(model, documents, arguments, steps, seconds, valid):
    """Writes the weights, and then what happened."""
    numbers = documents.numbers(arguments.documents)
    settings = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(arguments).items()
    }
    device = torch.cuda.get_device_name() if model.bias.is_cuda else platform.machine()
    result = {
        "perplexity": valid,
        "training_texts": len(set(numbers.tolist())),
        "training_tokens": documents.num_tokens(numbers),
        "vocabulary": documents.vocab_size,
        "all_documents": len(documents.starts) - 1,
        "all_tokens": len(documents.ids),
        "start_sha256": arguments.start and sha256(arguments.start.read_bytes()).hexdigest(),
        "steps": steps,
        "seconds": round(seconds, 1),
        "settings": settings,
        "environment": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "device": device,
        },
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    arrays = {
        name: array.detach().cpu().numpy().astype("float16")
        for name, array in model.named_arrays().items()
    }
    np.savez(arguments.output / "weights.npz", **arrays)
    (arguments.output / "result.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(f"perplexity {valid:.2f} after {seconds:.0f} s")


def main():
    """Trains, measures and writes."""
    parser = make_parser()
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    arguments.precision = arguments.precision or ("float16" if device == "cuda" else "float32")
    torch.manual_seed(arguments.seed)
    torch.set_float32_matmul_precision("high")
    try:
        documents = Documents(arguments.token_ids)
        for parts, rows in ((arguments.documents, arguments.batch_size), (arguments.valid, 32)):
            documents.stream(documents.numbers(parts), rows, "cpu")  # what is wrong shows now
        model = LanguageModel(
            documents.vocab_size, arguments.embed_size, arguments.hidden_size,
            arguments.num_layers, arguments.drop_mult, getattr(torch, arguments.precision),
        )  # fmt: skip
        initialize(model, documents, arguments.start)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    model.to(device)
    write(model, documents, arguments, *train(model, documents, arguments, device))


if __name__ == "__main__":
    main()
