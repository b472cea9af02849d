"""The image path as calls: folder -> batches -> mixup -> XResNet -> fit -> SavedModel, report."""

import hashlib
import json

import keras
import numpy as np
import tensorflow as tf
from image_data import load_data

import tfast.vision.xresnet
import tfast.vision.xresnet_variants
from tfast.export.images import export_image_classifier
from tfast.files import atomic_write, remove_leftovers
from tfast.training.checkpoints.compatibility import check_same_settings
from tfast.training.checkpoints.resume import read_progress, resumable_fit
from tfast.training.inspection import figures as report
from tfast.training.inspection.stopwatch import Stopwatch
from tfast.training.optimizers.fused_adam import FusedAdam
from tfast.training.precision import POLICIES, set_precision
from tfast.training.schedules import MomentumSchedule, OneCycle, OneCycleMomentum
from tfast.training.unfreezing import GradualUnfreezing, Stage
from tfast.vision.preprocessing import decode_image
from tfast.vision.transfer import transfer_model, with_dtype_policy
from tfast.vision.xresnet import layer_groups

# Of the command line, what changes nothing in the weights, and paths: what is there counts.
NOT_SETTINGS = {"output", "resume", "save_every", "data", "valid", "pretrained"}
# What a run that is killed may leave half written, beside its checkpoint.
OUTPUTS = ["digits", "split", "history.csv", "model.keras", "preprocessing.json", "result.json"]
OUTPUTS += ["saved_model", "curves.png", "confusions.png", "worst.png"]


def prepare(arguments):
    """Everything before the first step. What is wrong with the arguments shows here.

    Returns:
        The data, the compiled model, its learning rate by step, and the callbacks.

    Raises:
        ValueError: the arguments, the pictures, the pretrained model or the checkpoint.
    """
    keras.utils.set_random_seed(arguments.seed)
    set_precision(arguments.precision)
    for name in OUTPUTS:
        remove_leftovers(arguments.output / name)
    trained = load_pretrained(arguments) if arguments.pretrained else None
    data = load_data(arguments)
    checkpoint = arguments.output / "checkpoint.npz"
    if checkpoint.exists():
        settings = make_settings(arguments, data)
        saved = read_progress(checkpoint)["settings"]
        check_same_settings(checkpoint, {k: v for k, v in saved.items() if k in settings}, settings)
    return data, *make_model(arguments, data, trained)


def train(arguments, data, model, schedule, callbacks):
    """Trains as the command line says, and fills the output folder.

    Returns:
        What `result.json` holds.
    """
    stopwatch = Stopwatch()
    history = resumable_fit(
        model,
        data.make_batches,
        epochs=num_epochs(arguments),
        steps_per_epoch=data.steps_per_epoch,
        checkpoint=arguments.output / "checkpoint.npz",
        save_every=arguments.save_every,
        validation_data=data.validation,
        callbacks=[*callbacks, stopwatch],
        settings=make_settings(arguments, data),
    )
    return write_outputs(arguments, data, model, schedule, history, stopwatch)


def load_pretrained(arguments):
    """The model of --pretrained, in the precision asked for."""
    path = arguments.pretrained
    try:
        model = keras.saving.load_model(path, compile=False)
        layer_groups(model)
    except Exception as error:  # whatever zip, JSON, HDF5 and Keras raise over a damaged file
        raise ValueError(f"--pretrained: {path} is no picture model: {error}") from error
    return with_dtype_policy(model, POLICIES[arguments.precision])


def make_model(arguments, data, trained):
    """The compiled model, its learning rate by step, and the callbacks that go with them."""
    num_classes, steps = len(data.class_names), data.steps_per_epoch
    if trained:
        model = transfer_model(trained, num_classes)
        # fastai's fine_tune: the head alone, then all at half the rate, the body far below it.
        stages = [
            Stage(-1, arguments.learning_rate, arguments.frozen_epochs),
            Stage(0, arguments.learning_rate / 2, arguments.epochs, multipliers=(0.01, 1.0)),
        ]
        unfreezing = GradualUnfreezing(layer_groups(model), stages)
        schedule, callbacks = unfreezing.schedule(steps), [unfreezing]
    else:
        module = tfast.vision.xresnet
        if not hasattr(module, arguments.model):
            module = tfast.vision.xresnet_variants
        model = getattr(module, arguments.model)(
            num_classes, activation=arguments.activation, self_attention=arguments.self_attention
        )
        total_steps = arguments.epochs * steps
        schedule = OneCycle(arguments.learning_rate, total_steps)
        callbacks = [MomentumSchedule(OneCycleMomentum(total_steps))]
    # fastai's Adam.
    optimizer = FusedAdam(schedule, beta_2=0.99, epsilon=1e-5, weight_decay=0.01)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=arguments.label_smoothing
    )
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model, schedule, callbacks


def num_epochs(arguments):
    """Epochs in all."""
    return arguments.epochs + (arguments.frozen_epochs if arguments.pretrained else 0)


def make_settings(arguments, data):
    """What a resumed run must agree on with the broken one."""
    settings = {k: v for k, v in vars(arguments).items() if k not in NOT_SETTINGS}
    pretrained = arguments.pretrained
    return settings | {
        "valid": arguments.valid if isinstance(arguments.valid, float) else "a folder",
        "class_names": data.class_names,
        "train_images": len(data.train_paths),
        "pictures": data.fingerprints,
        "pretrained": pretrained and hashlib.sha256(pretrained.read_bytes()).hexdigest()[:16],
    }


def write_outputs(arguments, data, model, schedule, history, stopwatch):
    """Fills the output folder, what cost most first; returns what `result.json` holds."""
    output = arguments.output
    with atomic_write(output / "model.keras") as temporary:
        model.save(temporary)
    with atomic_write(output / "preprocessing.json") as temporary:
        temporary.write_text(json.dumps(data.preprocessing.to_dict(), indent=2) + "\n")
    report.write_history(output / "history.csv", history.history)
    logits = model.predict(data.validation, verbose=0).astype("float64")
    probabilities = np.array(keras.ops.softmax(logits))
    true_ids = np.array(data.validation_images.labels)
    result = {
        "accuracy": float((true_ids == probabilities.argmax(-1)).mean()),
        "validation_images": len(true_ids),
        "training_images": len(data.train_paths),
        "seconds": round(stopwatch.seconds, 1),
        "training_images_per_second": round(stopwatch.steps_per_second * arguments.batch_size, 1),
        "model": model.name,
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "seed": arguments.seed,
        "settings": make_settings(arguments, data),
    }
    report.write_result(output / "result.json", result)
    export_image_classifier(
        model,
        output / "saved_model",
        data.class_names,
        data.preprocessing,
        image_size=arguments.image_size,
        overwrite=True,
    )
    rates = report.sample_schedule(schedule, len(history.epoch) * data.steps_per_epoch)
    report.write_figure(output / "curves.png", report.plot_curves(history.history, schedule=rates))
    draw_validation(output, data, true_ids, probabilities)
    return result


def draw_validation(output, data, true_ids, probabilities):
    """Draws which classes were taken for which, and the worst mistakes."""
    class_names, predicted_ids = data.class_names, probabilities.argmax(-1)
    counts = report.count_confusions(true_ids, predicted_ids, len(class_names))
    report.write_figure(output / "confusions.png", report.plot_confusions(counts, class_names))
    worst = report.most_confident_errors(true_ids, probabilities)
    pictures = [decode_image(tf.io.read_file(data.validation_images.file_paths[i])) for i in worst]
    captions = [
        f"said {class_names[predicted_ids[i]]}, is {class_names[true_ids[i]]}\n"
        f"{probabilities[i].max():.0%} sure"
        for i in worst
    ]
    report.write_figure(output / "worst.png", report.plot_pictures(pictures, captions))
