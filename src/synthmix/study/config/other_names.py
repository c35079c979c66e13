"""What other tools call a setting, answered by what it is called here."""

from collections.abc import Iterable
from typing import Any

from synthmix.errors import SettingError

_ANSWERS = (
    (
        "epochs num_epochs n_epochs max_epochs train_epochs",
        "steps are counted here, equal in every arm: {value} epochs of N images at batch size "
        "B are {value} x N / B steps; set training.steps",
    ),
    (
        "max_steps num_steps total_steps iterations iters num_iterations max_iter",
        "set training.steps",
    ),
    (
        "lr base_lr max_lr learningrate init_lr rate",
        "set training.learning_rate",
    ),
    (
        "bs batch batchsize train_batch_size per_device_train_batch_size minibatch",
        "set training.batch_size",
    ),
    (
        "wd decay weightdecay l2",
        "set training.weight_decay",
    ),
    (
        "model_name arch architecture backbone net network classifier",
        "set training.model, for example resnet18 or timm/NAME",
    ),
    (
        "pretrained weights imagenet_weights init_from from_pretrained finetune",
        "every classifier here starts from random weights, so that arms differ in their "
        "images alone",
    ),
    (
        "optim opt",
        "set training.optimizer to sgd or muon",
    ),
    (
        "betas beta1 beta2",
        "set training.momentum",
    ),
    (
        "scheduler lr_scheduler schedule lr_schedule",
        "the rate rises in training.warmup of the steps and falls to zero in the rest",
    ),
    (
        "warmup_steps warmup_epochs warmup_ratio",
        "set training.warmup to the share of the steps in which the rate rises",
    ),
    (
        "ema use_ema model_ema",
        "set training.ema_decay, 0 for none",
    ),
    (
        "smoothing ls",
        "set training.label_smoothing",
    ),
    (
        "augment augmentation augmentations transforms",
        "set training.crop, flip, cutout and jitter one by one",
    ),
    (
        "horizontal_flip hflip random_flip mirror_images",
        "set training.flip",
    ),
    (
        "random_crop padding pad",
        "set training.crop",
    ),
    (
        "color_jitter colour_jitter",
        "set training.jitter",
    ),
    (
        "random_erasing erasing",
        "set training.cutout",
    ),
    (
        "amp fp16 bf16 mixed_precision dtype",
        "set training.precision",
    ),
    (
        "gpu gpus cuda use_gpu accelerator",
        "set training.device",
    ),
    (
        "num_seeds n_seeds repeats num_repeats runs num_runs",
        "set seeds, at the top of the study, to how many there are",
    ),
    (
        "random_seed random_state manual_seed",
        "set seed, at the top of the study",
    ),
    (
        "img_size imgsz input_size resolution size image_resolution",
        "set image_size, at the top of the study",
    ),
    (
        "dataset data train_data data_dir data_path train_dir",
        "set real, for example {{use: folder, path: DIR}}",
    ),
    (
        "test_dir test_data val_dir",
        "set real.test_path, or name other test sets in evaluation.test_sets",
    ),
    (
        "val_split validation_split val_fraction val_ratio val",
        "set validation, at the top of the study, to a share from 0 to 0.5",
    ),
    (
        "workers num_workers n_jobs num_processes n_workers",
        "set engine.processes; images are decoded once, by no loader",
    ),
    (
        "num_threads n_threads",
        "set training.threads",
    ),
    (
        "output_dir out_dir save_dir out results_dir outdir",
        "set output, at the top of the study",
    ),
    (
        "num_images n_images num_samples images_per_class num_per_class",
        "set per_class, the images of each class of a synthetic set",
    ),
    (
        "synthetic_ratio mix_ratio mix_ratios",
        "set mixing.ratios to a list, for example [0, 0.5, 1]",
    ),
    (
        "num_classes n_classes nb_classes",
        "classes are those that the real images have",
    ),
    (
        "classes class_names labels",
        "classes are those of the real images; class_map renames those of a set",
    ),
    (
        "num_inference_steps_per_image sampling_steps n_steps",
        "set the generator's steps or num_inference_steps",
    ),
    (
        "cfg cfg_scale guidance",
        "set guidance_scale of the generator diffusers",
    ),
    (
        "prompt text captions",
        "set prompts, for example {{use: class-labels, template: 'a photo of a {{name}}'}}",
    ),
    (
        "metrics metric",
        "every metric is computed: `synthmix list metrics`",
    ),
    (
        "early_stopping patience",
        "every arm takes all training.steps; nothing stops early",
    ),
)

OTHER_NAMES = {name: told for names, told in _ANSWERS for name in names.split()}
"""The answers, by names in small letters; `{value}` is what was asked for."""


def answer(where: str, asked: Iterable[tuple[Any, Any]], known: Iterable[str]) -> None:
    """Raise SettingError for a key that is known by another name, and is none of `known` here."""
    known = set(known)
    for key, value in asked:
        told = OTHER_NAMES.get(str(key).lower().replace("-", "_"))
        if told is not None and key not in known:
            shown = value if isinstance(value, int | float) else "E"
            raise SettingError(f"{where}{key}: {told.format(value=shown)}.")
