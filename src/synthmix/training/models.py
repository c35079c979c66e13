"""Classifiers by name: ours, torchvision's ResNets with the right stem, and every timm model."""

from difflib import get_close_matches

from torch import nn

from synthmix.errors import MissingPackage, SettingError, suggestion
from synthmix.extras import install
from synthmix.training.compact import CompactResNet, Shape

SMALL_IMAGE = 64
"""Largest side, in pixels, for which a ResNet keeps full resolution in its stem.

With the ImageNet stem a 32-pixel image reaches the first block at 8 pixels, which costs a ResNet
some 16 points on CIFAR-100.
"""

_COMPACT = {
    "compact": Shape((48, 96, 192), patch=4, stride=2, depth=2),
    "compact-wide": Shape((64, 128, 256), patch=4, stride=2, depth=2),
    "compact-deep": Shape((24, 64, 128, 256), patch=2, stride=1, depth=1),
    "compact-deep-wide": Shape((24, 64, 256, 256), patch=2, stride=1, depth=1),
}

_RESNETS = ("resnet18", "resnet34", "resnet50")
_IMAGENET_STEM = "-imagenet-stem"
_TIMM = "timm/"


def model_names() -> list[str]:
    """List the names `build_model` knows; any `timm/NAME` comes on top."""
    return [*_COMPACT, *_RESNETS, *(name + _IMAGENET_STEM for name in _RESNETS)]


def is_foreign(name: str) -> bool:
    """Whether a model is one of the many that this project was never tried with."""
    return name.startswith(_TIMM)


def build_model(name: str, num_classes: int, image_size: int) -> nn.Module:
    """Return an untrained classifier: float32 `[N, 3, S, S]` -> logits `[N, num_classes]`.

    Raises SettingError for a name that is not known.
    """
    if name in _COMPACT:
        return CompactResNet(num_classes, _COMPACT[name])
    if name.startswith(_TIMM):
        return _timm(name.removeprefix(_TIMM), num_classes, image_size)
    resnet = name.removesuffix(_IMAGENET_STEM)
    if resnet not in _RESNETS:
        hint = suggestion(name, [*model_names(), "timm/NAME"])
        raise SettingError(f"training.model is '{name}', which is not known. {hint}")
    return _resnet(resnet, num_classes, small=image_size <= SMALL_IMAGE and resnet == name)


def _resnet(name: str, num_classes: int, *, small: bool) -> nn.Module:
    # torchvision and timm load torch's compiler, seconds that a compact network need not pay
    from torchvision.models import get_model

    model: nn.Module = get_model(name, num_classes=num_classes)
    if small:
        # He et al. 2016, section 4.2: a 3x3 convolution of stride 1 and no pooling
        model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
        model.maxpool = nn.Identity()
    return model


def _timm(name: str, num_classes: int, image_size: int) -> nn.Module:
    try:
        import timm
    except ModuleNotFoundError as error:
        raise MissingPackage(f"The model 'timm/{name}' needs: {install('timm')}") from error
    if not timm.is_model(name):
        close = get_close_matches(name, timm.list_models(), n=3)
        hint = f"Did you mean {' or '.join(close)}?" if close else "timm.list_models() names them."
        raise SettingError(f"training.model is 'timm/{name}', which timm does not have. {hint}")
    sized = {"img_size": image_size} if _takes_image_size(name) else {}
    model: nn.Module = timm.create_model(name, num_classes=num_classes, **sized)
    return model


def _takes_image_size(name: str) -> bool:
    # convolutional models take any size; transformers are built for one
    import timm

    return bool(timm.get_pretrained_cfg(name).fixed_input_size)
