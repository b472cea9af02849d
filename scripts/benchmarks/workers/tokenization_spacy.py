"""The spaCy side of tokenization.py: its English tokenizer, and nothing else of it.

python tokenization_spacy.py TEXTS.json
"""

import json
import sys
from pathlib import Path

import spacy
from rivals import serve
from timing import environment_line, processor_seconds


def main():
    """Tokenizes all texts at each request."""
    # fastai's rules, which spaCy is not timed with, make line breaks of these.
    texts = [text.replace("<br />", "\n") for text in json.loads(Path(sys.argv[1]).read_text())]
    tokenize = spacy.blank("en").tokenizer

    def work():
        for text in texts:
            tokenize(text)

    serve(environment_line("spacy"), {"tokenize": lambda: processor_seconds(work)})


if __name__ == "__main__":
    main()
