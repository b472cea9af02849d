"""The text path as calls: strings -> ids -> language model -> classifier -> SavedModel."""

import math

import keras
from ulmfit_preparation import make_classifier_stages, make_lm_batches, target_documents
from ulmfit_report import make_settings, write_outputs

from tfast.files import atomic_write
from tfast.text.classifier_batches import classifier_batches
from tfast.text.models import classifier, language_model
from tfast.text.models.forward_backward import ForwardBackwardClassifier
from tfast.text.ulmfit import (
    language_model_stages,
    transfer_encoder,
    transfer_vocabulary,
    ulmfit_optimizer,
)
from tfast.training.checkpoints.resume import resumable_fit
from tfast.training.inspection import figures as report
from tfast.training.inspection.stopwatch import Stopwatch
from tfast.training.schedules import MomentumSchedule, OneCycleMomentum
from tfast.training.unfreezing import GradualUnfreezing, Stage


def run(arguments, data):
    """Trains as the command line says, and fills the output folder.

    Args:
        arguments: those of the command line.
        data: what `ulmfit_preparation.prepare` made of them.

    Returns:
        What `result.json` holds.
    """
    models, seconds = [], {}
    for reverse in (False, True) if arguments.backward else (False,):
        settings = make_settings(arguments, data.documents)
        direction = Direction(arguments, reverse, settings, seconds)
        target = train_language_models(direction, data)
        models.append(train_classifier(direction, data, target))
    model = ForwardBackwardClassifier(*models) if arguments.backward else models[0]
    return write_outputs(arguments, data, model, seconds)


class Direction:
    """Trains and saves the models that read in one direction."""

    def __init__(self, arguments, reverse, settings, seconds):
        self.arguments, self.reverse = arguments, reverse
        self.settings, self.seconds = settings, seconds
        self.prefix = "backward_" if reverse else ""

    def fit(
        self, kind, model, groups, stages, make_batches, validation, *, clip_norm, **compile_options
    ):
        """Fits in stages, from a checkpoint where there is one, and leaves curves and model.

        Args:
            kind: what the model is; its files are named after it and the direction.
            model: not compiled yet.
            groups: the model's layer groups.
            stages: list of `Stage`.
            make_batches: function of the first step, see `resumable_fit`; with None for it a
                dataset of one epoch.
            validation: dataset.
            clip_norm: of all gradients together, or None.
            **compile_options: loss and metrics, where the model does not bring them.
        """
        folder, _, kind = kind.rpartition("/")
        name = f"{folder}/{self.prefix}{kind}".lstrip("/")
        output, steps_per_epoch = self.arguments.output, len(make_batches(None))
        unfreezing = GradualUnfreezing(groups, stages)
        rates = unfreezing.schedule(steps_per_epoch)
        momentum = unfreezing.schedule(
            steps_per_epoch, make_schedule=lambda _, steps: OneCycleMomentum(steps)
        )
        # XLA would compile anew for every length, and has no fast loop for an LSTM on a CPU.
        optimizer = ulmfit_optimizer(rates, clip_norm=clip_norm)
        model.compile(optimizer, jit_compile=False, **compile_options)
        stopwatch = Stopwatch()
        # Not `count_params`, which counts a language model's carried states too.
        num_weights = sum(math.prod(weight.shape) for weight in model.trainable_weights)
        print(f"\nTraining {name}, {num_weights:,} weights")
        history = resumable_fit(
            model,
            make_batches,
            epochs=unfreezing.epochs,
            steps_per_epoch=steps_per_epoch,
            checkpoint=output / "checkpoints" / f"{name}.npz",
            save_every=self.arguments.save_every,
            validation_data=validation,
            callbacks=[unfreezing, MomentumSchedule(momentum), stopwatch],
            settings=self.settings,
        )
        self.seconds[name] = round(stopwatch.seconds, 1)
        with atomic_write(output / f"{name}.keras") as temporary:
            model.save(temporary)
        report.write_history(output / f"{name}_history.csv", history.history)
        curve = report.sample_schedule(rates, unfreezing.epochs * steps_per_epoch)
        figure = report.plot_curves(history.history, schedule=curve)
        report.write_figure(output / f"{name}_curves.png", figure)
        return model


def train_language_models(direction, data):
    """The language model of the target texts, from general text or a file where there is one."""
    arguments = direction.arguments
    keras.utils.set_random_seed(arguments.seed)  # so that each model's start is its own
    general = find_general_model(direction, data)
    if general is None:
        model = make_language_model(arguments, len(data.vocabulary))
        stages = [Stage(0, arguments.lm_learning_rate, arguments.lm_epochs)]
    else:
        model = transfer_vocabulary(
            general,
            data.general_vocabulary.words,
            data.vocabulary.words,
            drop_mult=arguments.lm_drop_mult,
            max_batch_size=arguments.lm_batch_size,
        )
        rate = arguments.lm_learning_rate
        # A quarter of the default rate, 5e-3, is near the 2e-3 of fastai's tutorial.
        stages = language_model_stages(peaks=(rate, rate / 4), epochs=(1, arguments.lm_epochs))
    return fit_language_model(
        direction,
        "language_model",
        model,
        stages,
        target_documents(data.documents),
        data.documents["valid"],
    )


def find_general_model(direction, data):
    """The language model to start from, or None."""
    if data.pretrained:
        return data.pretrained[direction.reverse]
    if data.general_vocabulary is None:
        return None
    arguments = direction.arguments
    return fit_language_model(
        direction,
        "general/language_model",
        make_language_model(arguments, len(data.general_vocabulary)),
        [Stage(0, arguments.lm_learning_rate, arguments.general_epochs)],
        data.documents["general"],
        data.documents["general valid"],
    )


def make_language_model(arguments, vocab_size):
    """A language model that has learned nothing."""
    return language_model.LanguageModel(
        vocab_size,
        embed_size=arguments.embedding_size,
        hidden_size=arguments.hidden_size,
        num_layers=arguments.layers,
        drop_mult=arguments.lm_drop_mult,
        max_batch_size=arguments.lm_batch_size,
    )


def fit_language_model(direction, name, model, stages, documents, valid_documents):
    """Fits a language model on windows of the joined documents."""

    def make_batches(first_step, documents=documents, training=True):
        return make_lm_batches(
            direction.arguments,
            documents,
            training=training,
            first_step=first_step,
            reverse=direction.reverse,
        )

    validation = make_batches(None, valid_documents, training=False)
    groups = language_model.layer_groups(model)
    return direction.fit(name, model, groups, stages, make_batches, validation, clip_norm=0.25)


def train_classifier(direction, data, target):
    """The classifier that starts with the language model's encoder."""
    arguments, sizes = direction.arguments, target.encoder.settings
    keras.utils.set_random_seed(arguments.seed)
    model = classifier.TextClassifier(
        len(data.vocabulary),
        len(data.corpus.class_names),
        embed_size=sizes["embed_size"],
        hidden_size=sizes["hidden_size"],
        num_layers=sizes["num_layers"],
        drop_mult=arguments.drop_mult,
        max_length=arguments.max_length,
    )
    transfer_encoder(target, model)

    def make_batches(first_step, name="train", training=True):
        texts = getattr(data.corpus, name)
        return classifier_batches(
            data.documents[name],
            data.corpus.label_ids(texts),
            num_classes=len(data.corpus.class_names),
            batch_size=arguments.batch_size,
            training=training,
            seed=arguments.seed,
            first_step=first_step,
            reverse=direction.reverse,
        )

    groups = classifier.layer_groups(model)
    stages = make_classifier_stages(arguments, sizes["num_layers"])
    return direction.fit(
        "classifier",
        model,
        groups,
        stages,
        make_batches,
        make_batches(None, "valid", training=False),
        clip_norm=None,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
