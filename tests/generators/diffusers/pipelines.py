"""Tiny pipelines with random weights, of the real classes, saved as the hub holds them."""

import json
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

VOCABULARY = [
    "a", "photo", "of", "an", "airplane", "automobile", "bird", "cat", "deer", "dog", "frog",
    "horse", "ship", "truck", "red", "small", "on", "the", "grass", "digit", "class", "zero",
]  # fmt: skip
SIDE = 64
"""Pixels at which these pipelines draw; their VAE halves twice."""


@contextmanager
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _tokenizer(folder: Path) -> Any:
    """Return a CLIP tokenizer over letters and a few whole words."""
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    pieces = [*letters, *(letter + "</w>" for letter in letters)]
    merges: list[str] = []
    for word in VOCABULARY:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            merges.append(f"{parts[0]} {parts[1]}")
            parts = [parts[0] + parts[1], *parts[2:]]
            pieces.append(parts[0])
    tokens = [*dict.fromkeys(pieces), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    lines = ["#version: 0.2", *dict.fromkeys(merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    return CLIPTokenizer(
        vocab=vocabulary, merges=[tuple(line.split(" ")) for line in lines[1:]], model_max_length=77
    )


def _text_config(vocabulary: int, hidden: int) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=hidden,
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
    )


def _unet(cross: int, channels: tuple[int, int], added: int | None) -> Any:
    from diffusers import UNet2DConditionModel

    more: dict[str, Any] = {}
    if added is not None:
        more = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": added + 6 * 8,
        }
    return UNet2DConditionModel(
        sample_size=SIDE // 4,
        block_out_channels=channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=cross,
        attention_head_dim=8,
        norm_num_groups=8,
        **more,
    )


def _vae(channels: tuple[int, ...]) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        latent_channels=4,
        norm_num_groups=8,
        sample_size=SIDE,
    )


def _scheduler() -> Any:
    from diffusers import EulerAncestralDiscreteScheduler

    # as SDXL-Turbo's: the last timestep of each interval
    return EulerAncestralDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="trailing",
        steps_offset=1,
    )


def sdxl(
    folder: Path,
    *,
    unet: tuple[int, int] = (16, 32),
    vae: tuple[int, ...] = (16, 16, 16),
    hidden: int = 32,
    **saving: Any,
) -> Path:
    """Save a tiny SDXL: both CLIP text encoders, UNet, VAE and Turbo's scheduler."""
    from diffusers import StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    with quiet(), torch.random.fork_rng():
        torch.manual_seed(0)
        tokenizer = _tokenizer(folder / "made")
        size = len(tokenizer)
        pipeline = StableDiffusionXLPipeline(
            vae=_vae(vae),
            text_encoder=CLIPTextModel(_text_config(size, hidden)).eval(),
            text_encoder_2=CLIPTextModelWithProjection(_text_config(size, hidden)).eval(),
            tokenizer=tokenizer,
            tokenizer_2=tokenizer,
            unet=_unet(2 * hidden, unet, added=hidden),
            scheduler=_scheduler(),
            add_watermarker=False,
        )
        _widen(pipeline)
        target = folder / "sdxl"
        pipeline.save_pretrained(target, **saving)
    return target


def stable_diffusion(folder: Path, **saving: Any) -> Path:
    """Save a tiny Stable Diffusion, with one text encoder, as SD-Turbo has."""
    from diffusers import StableDiffusionPipeline
    from transformers import CLIPTextModel

    with quiet(), torch.random.fork_rng():
        torch.manual_seed(0)
        tokenizer = _tokenizer(folder / "made")
        pipeline = StableDiffusionPipeline(
            vae=_vae((16, 16, 16)),
            text_encoder=CLIPTextModel(_text_config(len(tokenizer), 32)).eval(),
            tokenizer=tokenizer,
            unet=_unet(32, (16, 32), added=None),
            scheduler=_scheduler(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        _widen(pipeline)
        target = folder / "sd"
        pipeline.save_pretrained(target, **saving)
    return target


def _widen(pipeline: Any) -> None:
    """Let the prompt and the noise show in the image, as untrained weights would not."""
    with torch.no_grad():
        pipeline.vae.decoder.conv_out.weight.mul_(3)
        pipeline.unet.conv_out.weight.mul_(20)
        for name, parameter in pipeline.unet.named_parameters():
            if "attn2" in name and parameter.ndim > 1:
                parameter.mul_(4)


def tiny_autoencoder(folder: Path) -> Path:
    """Save a tiny AutoencoderTiny for the same latents."""
    from diffusers import AutoencoderTiny

    with quiet(), torch.random.fork_rng():
        torch.manual_seed(0)
        vae = AutoencoderTiny(
            encoder_block_out_channels=(16, 16, 16),
            decoder_block_out_channels=(16, 16, 16),
            num_encoder_blocks=(1, 1, 1),
            num_decoder_blocks=(1, 1, 1),
        )
        vae.save_pretrained(folder / "taesd")
    return folder / "taesd"
