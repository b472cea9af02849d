"""The fastai side of tokenization.py: its rules and spaCy.

python tokenization_fastai.py TEXTS.json
"""

import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import torch
from fastai.text.core import TokenizeWithRules, WordTokenizer
from rivals import serve
from timing import environment_line, processor_seconds


def main():
    """Tokenizes all texts at each request."""
    texts = json.loads(Path(sys.argv[1]).read_text())
    tokenize = TokenizeWithRules(WordTokenizer())

    def tokens():
        return [list(some) for some in tokenize(texts)]

    line = f"{environment_line('fastai', 'spacy')}, {torch.get_num_threads()} PyTorch threads"
    serve(line, {"tokenize": lambda: processor_seconds(tokens), "tokens": tokens})


if __name__ == "__main__":
    main()
