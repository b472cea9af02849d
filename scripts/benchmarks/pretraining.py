"""Times training steps of a small language model: exact or sampled loss, float32 or bfloat16.

    python scripts/benchmarks/pretraining.py

All are tfast's own, in one process and in turn: what `tfast train-language-model` gains by
`--num-candidates` and `--precision bfloat16` on this machine.
"""

import argparse

from timing import environment_line, print_comparison, side_by_side

from tfast.cli import environment

STEPS = 4  # in one timed call


def make_work(policy, num_candidates, arguments):
    """A function that trains for some steps on one batch."""
    import numpy as np
    import tensorflow as tf

    from tfast.text.models.language_model import LanguageModel
    from tfast.text.ulmfit import ulmfit_optimizer

    model = LanguageModel(
        arguments.vocab,
        embed_size=arguments.embed,
        hidden_size=arguments.hidden,
        num_layers=2,
        drop_mult=0.0,
        max_batch_size=arguments.batch,
        num_candidates=num_candidates,
        dtype=policy,
    )
    model.compile(ulmfit_optimizer(1e-3), jit_compile=False)
    # As often as words come in a language: by the inverse of their rank.
    frequencies = 1 / np.arange(10, arguments.vocab + 10)
    shape = arguments.batch, arguments.time + 1
    ids = np.random.default_rng(0).choice(arguments.vocab, shape, p=frequencies / frequencies.sum())
    starts_anew = np.zeros(arguments.batch, bool)
    inputs = {"token_ids": ids[:, :-1].astype("int32"), "starts_anew": starts_anew}
    batches = tf.data.Dataset.from_tensors((inputs, ids[:, 1:].astype("int32"))).repeat()
    return lambda: model.fit(batches, steps_per_epoch=STEPS, shuffle=False, verbose=0)


def main():
    """Compares the steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vocab", type=int, default=25_000)
    parser.add_argument("--embed", type=int, default=200)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--time", type=int, default=35)
    parser.add_argument("--candidates", type=int, default=6144)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    environment.prepare(one_heap=True)
    print(environment_line("tfast", "tensorflow", "keras"))
    forms = {
        "bfloat16, sampled": ("mixed_bfloat16", arguments.candidates),
        "float32, sampled": ("float32", arguments.candidates),
        "bfloat16, exact": ("mixed_bfloat16", None),
        "float32, exact": ("float32", None),
    }
    works = {label: make_work(*form, arguments) for label, form in forms.items()}
    print_comparison(
        f"step: {arguments.vocab:,} words, {arguments.embed}/{arguments.hidden}/2, "
        f"batch {arguments.batch} x {arguments.time}",
        side_by_side(works, rounds=arguments.rounds, warmups=1),
        amount=STEPS * arguments.batch * arguments.time,
        unit="tokens",
    )


if __name__ == "__main__":
    main()
