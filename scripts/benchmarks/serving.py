"""Times a text classifier from raw strings to labels, as tfast exports it, beside fastai.

    python scripts/benchmarks/serving.py --fastai-python ~/fastai/bin/python --texts imdb.csv.gz
    python scripts/benchmarks/serving.py --classifier run/classifier.keras \
        --vocabulary run/vocabulary.txt --texts imdb_test.csv.gz

The classifiers have full size (embedding 400, LSTMs of 1152, 1152 and 400, 60,000 words) and
the weights they begin with; texts have 100 words each. The rivals take turns in each round.
fastai runs in a process of its own; without --fastai-python its lines are left out. With
--classifier nothing is timed: accuracy and agreement of labels are counted for each precision.
"""

from tfast.cli import environment  # isort: skip

environment.prepare()

import argparse
import contextlib
import json
import pathlib
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf
from rivals import rival
from timing import environment_line, median_ratio, print_comparison, side_by_side

import tfast.runtime
from tfast.export.portable.formats import FORMATS
from tfast.export.portable.text import export_portable_text_classifier
from tfast.export.saved_model import PRECISIONS
from tfast.export.text import export_text_classifier
from tfast.text.documents import pad_documents
from tfast.text.library_docstrings import library_docstrings
from tfast.text.models.classifier import TextClassifier
from tfast.text.texts import read_texts as read_labelled
from tfast.text.tokenization.token_batches import tokenize
from tfast.text.tokenization.tokenizer import TextTokenizer
from tfast.text.vocabulary import Vocabulary

NUM_WORDS = 100
CLASS_NAMES = ["negative", "positive"]
THREADS = 2
CORE_BATCH_SIZE = 32
FORMS = [(form, precision) for form in FORMATS for precision in reversed(PRECISIONS)]
FASTAI_BATCH_SIZES = (64, 128)
MISSING = "fastai: left out, see --fastai-python"


def main():
    """Prints both comparisons, or the agreement of labels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fastai-python", help="a Python with fastai and spaCy")
    parser.add_argument("--texts", help="CSV file with columns `text` and `label`")
    parser.add_argument("--count", type=int, default=256, help="how many texts")
    parser.add_argument("--rounds", type=int, default=9, help="timed calls of each rival")
    parser.add_argument("--batch-size", type=int, default=64, help="of the SavedModel")
    parser.add_argument("--vocabulary-size", type=int, default=60_000)
    parser.add_argument("--sizes", type=int, nargs=3, default=(400, 1152, 3), help="of the model")
    parser.add_argument(
        "--tensorflow-threads",
        type=int,
        nargs=2,
        # The SavedModel's products come in halves: one on each thread is faster than each on both.
        default=(1, THREADS),
        help="inside an operation, and between operations; 0 leaves it to TensorFlow",
    )
    parser.add_argument("--classifier", help="a trained classifier whose labels to compare")
    parser.add_argument("--vocabulary", help="its vocabulary")
    arguments = parser.parse_args()
    inside, between = arguments.tensorflow_threads
    tf.config.threading.set_intra_op_parallelism_threads(inside)
    tf.config.threading.set_inter_op_parallelism_threads(between)
    print(environment_line("tfast", "tensorflow", "keras", "ai-edge-litert", "onnxruntime"))
    if arguments.classifier:
        compare_labels(arguments)
    else:
        compare_times(arguments)


def compare_times(arguments):
    """Latency of one text, and time of all texts in batches."""
    texts = read_texts(arguments.texts, arguments.count)
    tokenizer = TextTokenizer()
    vocabulary = make_vocabulary(tokenizer, texts, arguments.vocabulary_size)
    embed_size, hidden_size, num_layers = arguments.sizes
    model = TextClassifier(
        len(vocabulary),
        len(CLASS_NAMES),
        embed_size=embed_size,
        hidden_size=hidden_size,
        num_layers=num_layers,
    )
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        one, many = tfast_works(model, tokenizer, vocabulary, texts, arguments.batch_size, folder)
        for name, content in {"texts": texts, "vocabulary": vocabulary.words}.items():
            (folder / f"{name}.json").write_text(json.dumps(content))
        fastai = stack.enter_context(
            rival(arguments.fastai_python, "serving_fastai.py", folder, missing=MISSING)
        )
        if fastai:
            one |= {
                "fastai learn.predict": fastai.work("predict"),
                "fastai, its model alone": fastai.work("model"),
            }
            for size in FASTAI_BATCH_SIZES:
                many[f"fastai, batches of {size}"] = fastai.work("batches", size=size)
                many[f"fastai, {size}, its model alone"] = fastai.work("model_batches", size=size)
        report(f"One text of {NUM_WORDS} words", side_by_side(one, rounds=arguments.rounds), 1)
        rounds = max(arguments.rounds // 3, 1)
        timings = side_by_side(many, rounds=rounds, warmups=1)
        report(f"{len(texts)} texts of {NUM_WORDS} words in batches", timings, len(texts))


def report(title, timings, amount):
    """The times, and how many times as fast as fastai each of ours is."""
    print_comparison(title, timings, amount=amount, unit="texts")
    for rival_label in [label for label in timings if label.startswith("fastai")]:
        print(f"  times as fast as {rival_label}:")
        for label in [label for label in timings if not label.startswith("fastai")]:
            print(f"    {label:32s} {median_ratio(timings, rival_label, label):5.2f}")


def read_texts(path, count):
    """So many texts, each cut after `NUM_WORDS` words."""
    if path:
        words = [text.split() for text in read_labelled(path).texts]
    else:  # one long text, in pieces
        text = " ".join(library_docstrings(2000)[0]).split()
        words = [text[begin:] for begin in range(0, count * NUM_WORDS, NUM_WORDS)]
    found = [" ".join(some[:NUM_WORDS]) for some in words if len(some) >= NUM_WORDS][:count]
    if len(found) < count:
        sys.exit(f"--count: only {len(found)} of the texts have {NUM_WORDS} words")
    return found


def make_vocabulary(tokenizer, texts, size):
    """The texts' own words, and others that never come, up to `size` words."""
    counted = Vocabulary.from_tokens([tokenizer(tf.constant(texts))], min_frequency=1)
    words = [word for word in counted.words if not word.startswith("xxfake")][:size]
    return Vocabulary(words + [f"word{number}" for number in range(size - len(words))])


def tfast_works(model, tokenizer, vocabulary, texts, batch_size, folder):
    """Functions by name: those for the first text, and those for all of them."""
    export_text_classifier(model, tokenizer, vocabulary, folder / "saved", CLASS_NAMES)
    print_size("SavedModel", folder / "saved")
    # Texts of like length share a batch.
    by_length = sorted(texts, key=len)
    batches = [by_length[i : i + batch_size] for i in range(0, len(texts), batch_size)]
    saved = tf.saved_model.load(str(folder / "saved")).signatures["serving_default"]

    def saved_labels(texts):
        return saved(text=tf.constant(texts))["labels"].numpy()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def read(texts):
        return pad_documents(vocabulary.encode(tokenizer(texts)))

    one, many = {}, {}
    for form, precision in FORMS:
        label = f"{form} {precision}"
        portable = folder / label.replace(" ", "_")
        options = {"file_format": form, "precision": precision, "tolerance": 1.0}
        export_portable_text_classifier(
            model, portable, CLASS_NAMES, tokenizer, vocabulary, **options
        )
        print_size(label, portable)
        classify = tfast.runtime.load(portable, num_threads=THREADS).classify
        one[label] = lambda classify=classify: classify(texts[:1])
        many[label] = lambda classify=classify: classify(texts)
    one["float32 SavedModel"] = lambda: saved_labels(texts[:1])
    many["float32 SavedModel"] = lambda: [saved_labels(batch) for batch in batches]
    one["Keras model, predict_on_batch"] = lambda: model.predict_on_batch(
        read(tf.constant(texts[:1]))
    )
    one["  the graph's tokenizer alone"] = lambda: read(tf.constant(texts[:1]))
    many["  the graph's tokenizer alone"] = lambda: read(tf.constant(texts))
    return one, many


def probabilities_in_batches(core, token_ids, lengths):
    """The core's answers, documents of like length together; in the order of the documents."""
    order = np.argsort(lengths)
    answers = []
    for begin in range(0, len(order), CORE_BATCH_SIZE):
        rows = order[begin : begin + CORE_BATCH_SIZE]
        part = token_ids[rows, : lengths[rows].max()]
        answers.append(core(token_ids=part, lengths=lengths[rows])["probabilities"])
    return np.concatenate(answers)[np.argsort(order)]


def print_size(name, path):
    """A file's or folder's size in megabytes."""
    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    print(f"size of {name}: {size / 1e6:.1f} MB")


def compare_labels(arguments):
    """Accuracy of a trained classifier at each precision, and agreement with its own labels."""
    model = keras.saving.load_model(arguments.classifier, compile=False)
    vocabulary = Vocabulary.load(arguments.vocabulary)
    # The test texts of scripts/train_ulmfit.py, where that split them off.
    texts, _ = read_labelled(arguments.texts).split(arguments.count, seed=0)
    names = np.array(sorted(set(texts.labels)))
    documents = vocabulary.encode_all(tokenize(texts.texts))
    inputs = {name: tensor.numpy() for name, tensor in pad_documents(documents).items()}

    def own(**part):
        return {"probabilities": tf.nn.softmax(model.predict_on_batch(part)).numpy()}

    cores = {"the Keras model": own}
    for form, precision in FORMS:
        content = FORMATS[form].text_bytes(model, precision=precision)
        cores[f"{form} {precision}"] = FORMATS[form].runner(content, num_threads=THREADS)
    print(f"\n{len(texts)} texts, median length {np.median(inputs['lengths']):.0f} tokens")
    expected = None
    for name, core in cores.items():
        probabilities = probabilities_in_batches(core, **inputs)
        found = probabilities.argmax(-1)
        expected = found if expected is None else expected
        print(
            f"  {name:20s} accuracy {np.mean(names[found] == texts.labels):.4f}, "
            f"the Keras model's label for {np.mean(found == expected):.4f} of the texts"
        )


if __name__ == "__main__":
    main()
