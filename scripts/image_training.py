"""The image path as calls: folder -> batches -> mixup -> XResNet -> fit -> SavedModel, report."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from image_folders import split_folder, write_digits

import tfast.vision.xresnet
import tfast.vision.xresnet_variants
from tfast.export.images import export_image_classifier
from tfast.training import report
from tfast.training.files import written_whole
from tfast.training.precision import set_precision
from tfast.training.resume import resumable_fit
from tfast.training.schedules import MomentumSchedule, OneCycle, OneCycleMomentum
from tfast.training.stopwatch import Stopwatch
from tfast.training.unfreezing import GradualUnfreezing, Stage
from tfast.vision.augmentation import PadAndCrop, RandomResizedCrop
from tfast.vision.images import image_dataset
from tfast.vision.mixup import mixup_dataset
from tfast.vision.preprocessing import ImagePreprocessing, decode_image
from tfast.vision.transfer import transfer_model
from tfast.vision.xresnet import layer_groups

# Of the command line, what changes nothing in the weights.
NOT_SETTINGS = {"output", "resume", "save_every", "data", "valid", "pretrained"}


def run(arguments):
    """Trains as the command line says, and fills the output folder.

    Returns:
        What `result.json` holds.
    """
    keras.utils.set_random_seed(arguments.seed)
    set_precision(arguments.precision)
    data = load_data(arguments)
    model, schedule, callbacks = make_model(arguments, data)
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


@dataclasses.dataclass(frozen=True)
class Data:
    """What is trained on."""

    make_batches: Callable  # from a step to the endless dataset that begins there
    steps_per_epoch: int
    train_paths: list
    validation: tf.data.Dataset
    class_names: list
    preprocessing: ImagePreprocessing


def load_data(arguments):
    """Finds and checks the pictures; splits one folder in two where --valid is a share."""
    folder = arguments.data or arguments.output / "digits"
    if not arguments.data:
        write_digits(folder)
    train_folder, valid_folder = folder, arguments.valid
    if isinstance(arguments.valid, float):
        train_folder, valid_folder = split_folder(
            folder, arguments.output / "split", fraction=arguments.valid, seed=arguments.seed
        )
    preprocessing = ImagePreprocessing(
        mean=one_or_three(arguments.mean),
        standard_deviation=one_or_three(arguments.std),
        crop_ratio=arguments.crop_ratio,
    )
    common = {
        "image_size": arguments.image_size,
        "batch_size": arguments.batch_size,
        "preprocessing": preprocessing,
        "on_bad_image": "skip" if arguments.skip_bad_images else "error",
    }

    def read(first_step):
        return image_dataset(
            train_folder,
            training=True,
            seed=arguments.seed,
            first_step=first_step,
            augmentation=make_augmentation(arguments),
            **common,
        )

    first = read(0)

    def make_batches(first_step):
        # Reading a folder checks every file: not again for the first step.
        dataset = first if first_step == 0 else read(first_step)
        if arguments.mixup:
            dataset = mixup_dataset(
                dataset, arguments.mixup, seed=arguments.seed, first_step=first_step
            )
        return dataset.prefetch(tf.data.AUTOTUNE)

    validation = image_dataset(
        valid_folder, training=False, class_names=first.class_names, **common
    )
    return Data(
        make_batches,
        first.steps_per_epoch,
        first.file_paths,
        validation,
        first.class_names,
        preprocessing,
    )


def make_augmentation(arguments):
    """The random changes of a training picture."""
    flip_rate = 0.5 if arguments.flip else 0.0
    if arguments.augment == "pad":
        return PadAndCrop(arguments.padding, flip_rate=flip_rate)
    return RandomResizedCrop(flip_rate=flip_rate)


def make_model(arguments, data):
    """The compiled model, its learning rate by step, and the callbacks that go with them."""
    num_classes, steps = len(data.class_names), data.steps_per_epoch
    if arguments.pretrained:
        model = transfer_model(keras.saving.load_model(arguments.pretrained), num_classes)
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
        model = getattr(module, arguments.model)(num_classes)
        total_steps = arguments.epochs * steps
        schedule = OneCycle(arguments.learning_rate, total_steps)
        callbacks = [MomentumSchedule(OneCycleMomentum(total_steps))]
    # fastai's Adam.
    optimizer = keras.optimizers.Adam(schedule, beta_2=0.99, epsilon=1e-5, weight_decay=0.01)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=arguments.label_smoothing
    )
    # XLA, which Keras turns on where it can, takes more than twice as long on a CPU.
    jit_compile = "auto" if tf.config.list_physical_devices("GPU") else False
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=jit_compile)
    return model, schedule, callbacks


def num_epochs(arguments):
    """Epochs in all."""
    return arguments.epochs + (arguments.frozen_epochs if arguments.pretrained else 0)


def make_settings(arguments, data):
    """What a resumed run must agree on with the broken one."""
    settings = {k: v for k, v in vars(arguments).items() if k not in NOT_SETTINGS}
    return settings | {
        "valid": arguments.valid if isinstance(arguments.valid, float) else "a folder",
        "class_names": data.class_names,
        "train_images": len(data.train_paths),
        "pretrained": bool(arguments.pretrained),
    }


def write_outputs(arguments, data, model, schedule, history, stopwatch):
    """Fills the output folder; returns what `result.json` holds."""
    output, class_names = arguments.output, data.class_names
    logits = model.predict(data.validation, verbose=0).astype("float64")
    probabilities = np.array(keras.ops.softmax(logits))
    true_ids = np.concatenate([labels.numpy().argmax(-1) for _, labels in data.validation])
    predicted_ids = probabilities.argmax(-1)
    with written_whole(output / "model.keras") as temporary:
        model.save(temporary)
    export_image_classifier(
        model,
        output / "saved_model",
        class_names,
        data.preprocessing,
        image_size=arguments.image_size,
        overwrite=True,
    )
    report.write_history(output / "history.csv", history.history)
    rates = report.sample_schedule(schedule, len(history.epoch) * data.steps_per_epoch)
    report.write_figure(output / "curves.png", report.plot_curves(history.history, schedule=rates))
    counts = report.count_confusions(true_ids, predicted_ids, len(class_names))
    report.write_figure(output / "confusions.png", report.plot_confusions(counts, class_names))
    worst = report.most_confident_errors(true_ids, probabilities)
    pictures = [decode_image(tf.io.read_file(data.validation.file_paths[i])) for i in worst]
    captions = [
        f"said {class_names[predicted_ids[i]]}, is {class_names[true_ids[i]]}\n"
        f"{probabilities[i].max():.0%} sure"
        for i in worst
    ]
    report.write_figure(output / "worst.png", report.plot_pictures(pictures, captions))
    result = {
        "accuracy": float((true_ids == predicted_ids).mean()),
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
    return result


def one_or_three(numbers):
    """What --mean and --std hold, as `ImagePreprocessing` takes it."""
    return numbers[0] if len(numbers) == 1 else tuple(numbers)
