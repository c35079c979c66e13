"""What other tools call a setting, answered by what it is called here."""

from collections.abc import Iterable
from typing import Any

from synthmix.errors import SettingError

_STEPS = (
    "steps are counted here, equal in every arm: {value} epochs of N images at batch size B are "
)
_STEPS += "{value} x N / B steps; set training.steps"
_WEIGHTS = (
    "every classifier here starts from random weights, so that arms differ in their images alone"
)
_SEEDS = "set seeds, at the top of the study, to how many there are"
_RATE = "set training.learning_rate"
_SIZE = "set image_size, at the top of the study"
_REAL = "set real, for example {{use: folder, path: DIR}}"
_SPLIT = "set validation, at the top of the study, to a share from 0 to 0.5"
_PROCESSES = "set engine.processes; images are decoded once, by no loader"
_AUGMENTATION = "set training.crop, flip, cutout and jitter one by one"
_SCHEDULE = "the rate rises in training.warmup of the steps and falls to zero in the rest"

OTHER_NAMES = {
    **dict.fromkeys(("epochs", "num_epochs", "n_epochs", "max_epochs", "train_epochs"), _STEPS),
    **dict.fromkeys(
        (
            "max_steps",
            "num_steps",
            "total_steps",
            "iterations",
            "iters",
            "num_iterations",
            "max_iter",
        ),
        "set training.steps",
    ),
    **dict.fromkeys(("lr", "base_lr", "max_lr", "learningrate", "init_lr", "rate"), _RATE),
    **dict.fromkeys(
        (
            "bs",
            "batch",
            "batchsize",
            "train_batch_size",
            "per_device_train_batch_size",
            "minibatch",
        ),
        "set training.batch_size",
    ),
    **dict.fromkeys(("wd", "decay", "weightdecay", "l2"), "set training.weight_decay"),
    **dict.fromkeys(
        ("model_name", "arch", "architecture", "backbone", "net", "network", "classifier"),
        "set training.model, for example resnet18 or timm/NAME",
    ),
    **dict.fromkeys(
        ("pretrained", "weights", "imagenet_weights", "init_from", "from_pretrained", "finetune"),
        _WEIGHTS,
    ),
    **dict.fromkeys(("optim", "opt"), "set training.optimizer to sgd or muon"),
    **dict.fromkeys(("betas", "beta1", "beta2"), "set training.momentum"),
    **dict.fromkeys(("scheduler", "lr_scheduler", "schedule", "lr_schedule"), _SCHEDULE),
    **dict.fromkeys(
        ("warmup_steps", "warmup_epochs", "warmup_ratio"),
        "set training.warmup to the share of the steps in which the rate rises",
    ),
    **dict.fromkeys(("ema", "use_ema", "model_ema"), "set training.ema_decay, 0 for none"),
    **dict.fromkeys(("smoothing", "ls"), "set training.label_smoothing"),
    **dict.fromkeys(("augment", "augmentation", "augmentations", "transforms"), _AUGMENTATION),
    **dict.fromkeys(
        ("horizontal_flip", "hflip", "random_flip", "mirror_images"), "set training.flip"
    ),
    **dict.fromkeys(("random_crop", "padding", "pad"), "set training.crop"),
    **dict.fromkeys(("color_jitter", "colour_jitter"), "set training.jitter"),
    **dict.fromkeys(("random_erasing", "erasing"), "set training.cutout"),
    **dict.fromkeys(("amp", "fp16", "bf16", "mixed_precision", "dtype"), "set training.precision"),
    **dict.fromkeys(("gpu", "gpus", "cuda", "use_gpu", "accelerator"), "set training.device"),
    **dict.fromkeys(("num_seeds", "n_seeds", "repeats", "num_repeats", "runs", "num_runs"), _SEEDS),
    **dict.fromkeys(
        ("random_seed", "random_state", "manual_seed"), "set seed, at the top of the study"
    ),
    **dict.fromkeys(
        ("img_size", "imgsz", "input_size", "resolution", "size", "image_resolution"), _SIZE
    ),
    **dict.fromkeys(("dataset", "data", "train_data", "data_dir", "data_path", "train_dir"), _REAL),
    **dict.fromkeys(
        ("test_dir", "test_data", "val_dir"),
        "set real.test_path, or name other test sets in evaluation.test_sets",
    ),
    **dict.fromkeys(("val_split", "validation_split", "val_fraction", "val_ratio", "val"), _SPLIT),
    **dict.fromkeys(("workers", "num_workers", "n_jobs", "num_processes", "n_workers"), _PROCESSES),
    **dict.fromkeys(("num_threads", "n_threads"), "set training.threads"),
    **dict.fromkeys(
        ("output_dir", "out_dir", "save_dir", "out", "results_dir", "outdir"),
        "set output, at the top of the study",
    ),
    **dict.fromkeys(
        ("num_images", "n_images", "num_samples", "images_per_class", "num_per_class"),
        "set per_class, the images of each class of a synthetic set",
    ),
    **dict.fromkeys(
        ("synthetic_ratio", "mix_ratio", "mix_ratios"),
        "set mixing.ratios to a list, for example [0, 0.5, 1]",
    ),
    **dict.fromkeys(
        ("num_classes", "n_classes", "nb_classes"), "classes are those that the real images have"
    ),
    **dict.fromkeys(
        ("classes", "class_names", "labels"),
        "classes are those of the real images; class_map renames those of a set",
    ),
    **dict.fromkeys(
        ("num_inference_steps_per_image", "sampling_steps", "n_steps"),
        "set the generator's steps or num_inference_steps",
    ),
    **dict.fromkeys(
        ("cfg", "cfg_scale", "guidance"), "set guidance_scale of the generator diffusers"
    ),
    **dict.fromkeys(
        ("prompt", "text", "captions"),
        "set prompts, for example {{use: class-labels, template: 'a photo of a {{name}}'}}",
    ),
    **dict.fromkeys(("metrics", "metric"), "every metric is computed: `synthmix list metrics`"),
    **dict.fromkeys(
        ("early_stopping", "patience"), "every arm takes all training.steps; nothing stops early"
    ),
}
"""The answers, by names in small letters; `{value}` is what was asked for."""


def answer(where: str, asked: Iterable[tuple[Any, Any]], known: Iterable[str]) -> None:
    """Raise SettingError for a key that is known by another name, and is none of `known` here."""
    known = set(known)
    for key, value in asked:
        told = OTHER_NAMES.get(str(key).lower().replace("-", "_"))
        if told is not None and key not in known:
            shown = value if isinstance(value, int | float) else "E"
            raise SettingError(f"{where}{key}: {told.format(value=shown)}.")
