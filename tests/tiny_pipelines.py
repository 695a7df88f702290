"""Pipelines of diffusers with tiny random weights, saved as a user's folder would be; built in a second or two."""

from __future__ import annotations

from pathlib import Path

WORDS = ("a", "film", "still", "of", "two", "friends", "who", "dance", "walk", "in", "the", "park", "studio", "light")


def _t5_tokenizer():
    from transformers import T5Tokenizer

    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    vocab += [("▁" + word, -3.0) for word in dict.fromkeys(WORDS)]
    vocab += [(chr(c), -6.0) for c in range(97, 123)]
    return T5Tokenizer(vocab=vocab, extra_ids=0)


def _t5(width=32):
    import torch
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    return T5EncoderModel(T5Config(vocab_size=128, d_model=width, d_kv=8, d_ff=32, num_layers=2, num_heads=4)).eval()


def _umt5():
    import torch
    from transformers import UMT5Config, UMT5EncoderModel

    torch.manual_seed(0)
    config = UMT5Config(vocab_size=128, d_model=32, d_kv=8, d_ff=32, num_layers=2, num_heads=4)
    return UMT5EncoderModel(config).eval()


def _bpe(cls, **said):
    """A byte-level tokenizer without merges: every byte is a word."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    special = ["<|startoftext|>", "<|endoftext|>"]
    vocab = {word: k for k, word in enumerate([*letters, *(letter + "</w>" for letter in letters), *special])}
    return cls(vocab=vocab, merges=[], **said)


def _wan_vae():
    import torch
    from diffusers import AutoencoderKLWan

    torch.manual_seed(0)
    return AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )


def _awaken(network):
    """Zero layers would hide the control; a trained network has none left."""
    import torch

    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)


def animatediff(nets=1):
    import torch
    from diffusers import (
        AnimateDiffVideoToVideoControlNetPipeline,
        AutoencoderKL,
        ControlNetModel,
        DDIMScheduler,
        MotionAdapter,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    size = {"block_out_channels": (8, 8), "cross_attention_dim": 8}
    unet = UNet2DConditionModel(
        sample_size=8, layers_per_block=2, in_channels=4, out_channels=4, norm_num_groups=2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **size,
    )  # fmt: skip
    networks = [
        ControlNetModel(
            layers_per_block=2, in_channels=4, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            conditioning_embedding_out_channels=(8, 8), norm_num_groups=1, **size,
        )
        for _ in range(nets)
    ]  # fmt: skip
    for network in networks:
        _awaken(network)
    vae = AutoencoderKL(
        block_out_channels=(8, 8), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, norm_num_groups=2,
    )  # fmt: skip
    text = CLIPTextConfig(
        hidden_size=8, intermediate_size=16, num_attention_heads=4, num_hidden_layers=2, vocab_size=600,
        projection_dim=8, eos_token_id=513, bos_token_id=512,
    )  # fmt: skip
    return AnimateDiffVideoToVideoControlNetPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=_bpe(CLIPTokenizer, model_max_length=77),
        unet=unet,
        motion_adapter=MotionAdapter(
            block_out_channels=(8, 8), motion_layers_per_block=2, motion_norm_num_groups=2, motion_num_attention_heads=4
        ),
        controlnet=networks[0] if nets == 1 else networks,
        scheduler=DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample=False),
    )


def wan_vace():
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, WanVACEPipeline, WanVACETransformer3DModel

    torch.manual_seed(0)
    transformer = WanVACETransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=32, ffn_dim=32, num_layers=3, rope_max_seq_len=32, vace_layers=[0, 2],
        vace_in_channels=96,
    )  # fmt: skip
    return WanVACEPipeline(
        tokenizer=_t5_tokenizer(), text_encoder=_umt5(), vae=_wan_vae(), transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
    )  # fmt: skip


def wan_video(scheduler="flow"):
    import torch
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        UniPCMultistepScheduler,
        WanTransformer3DModel,
        WanVideoToVideoPipeline,
    )

    torch.manual_seed(0)
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=32, ffn_dim=32, num_layers=2, rope_max_seq_len=32,
    )  # fmt: skip
    steps = (
        FlowMatchEulerDiscreteScheduler(shift=7.0)
        if scheduler == "flow"  # Wan's own folders come with the other
        else UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    )
    return WanVideoToVideoPipeline(
        tokenizer=_t5_tokenizer(), text_encoder=_umt5(), vae=_wan_vae(), transformer=transformer, scheduler=steps
    )


def cogvideo(patch_size_t=None):
    import torch
    from diffusers import (
        AutoencoderKLCogVideoX,
        CogVideoXFunControlPipeline,
        CogVideoXTransformer3DModel,
        DDIMScheduler,
    )

    torch.manual_seed(0)
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=8, out_channels=4, time_embed_dim=4,
        text_embed_dim=32, num_layers=1, sample_width=16, sample_height=16, sample_frames=9, patch_size=2,
        temporal_compression_ratio=4, max_text_seq_length=16, use_rotary_positional_embeddings=True,
        patch_size_t=patch_size_t, patch_bias=patch_size_t is None,
    )  # fmt: skip
    vae = AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
        temporal_compression_ratio=4,
    )  # fmt: skip
    return CogVideoXFunControlPipeline(
        tokenizer=_t5_tokenizer(), text_encoder=_t5(), vae=vae, transformer=transformer, scheduler=DDIMScheduler()
    )


class Watchman:
    """A guardrail that lets everything pass, and remembers that it was asked."""

    def __init__(self):
        self.asked = 0

    def to(self, *_):
        return self

    def check_text_safety(self, _):
        self.asked += 1
        return True

    def check_video_safety(self, frames):
        return frames


def cosmos():
    import torch
    from diffusers import (
        Cosmos2_5_TransferPipeline,
        CosmosControlNetModel,
        CosmosTransformer3DModel,
        UniPCMultistepScheduler,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2Tokenizer

    torch.manual_seed(0)
    size = {
        "num_attention_heads": 2, "attention_head_dim": 16, "mlp_ratio": 2, "text_embed_dim": 32,
        "adaln_lora_dim": 4, "patch_size": (1, 2, 2), "extra_pos_embed_type": None,
    }  # fmt: skip
    transformer = CosmosTransformer3DModel(
        in_channels=17, out_channels=16, num_layers=2, max_size=(4, 32, 32), rope_scale=(2.0, 1.0, 1.0),
        concat_padding_mask=True, controlnet_block_every_n=1, **size,
    )  # fmt: skip
    controlnet = CosmosControlNetModel(
        n_controlnet_blocks=2, in_channels=16 + 1 + 1, latent_channels=16 + 1 + 1, model_channels=32,
        max_size=(4, 32, 32), rope_scale=(2.0, 1.0, 1.0), **size,
    )  # fmt: skip
    _awaken(controlnet)
    _awaken(transformer)
    text = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "vocab_size": 600, "max_position_embeddings": 1024,
        "rope_scaling": {"type": "mrope", "rope_type": "default", "mrope_section": [1, 1, 2]},
    }  # fmt: skip
    vision = {
        "depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 16,
        "patch_size": 14, "window_size": 28, "fullatt_block_indexes": [0],
    }  # fmt: skip
    tokenizer = _bpe(Qwen2Tokenizer)
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'][0]['text'] }}\n{% endfor %}"
    return Cosmos2_5_TransferPipeline(
        text_encoder=Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision)),
        tokenizer=tokenizer, transformer=transformer, vae=_wan_vae(), controlnet=controlnet,
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, use_karras_sigmas=False, flow_shift=1.0
        ),
        safety_checker=Watchman(),
    )  # fmt: skip


def ltx():
    import torch
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXConditionPipeline,
        LTXVideoTransformer3DModel,
    )

    torch.manual_seed(0)
    vae = AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
        spatio_temporal_scaling=(True, True, False, False), decoder_spatio_temporal_scaling=(True, True, False, False),
        decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
        timestep_conditioning=False, patch_size=1, patch_size_t=1, encoder_causal=True, decoder_causal=False,
    )  # fmt: skip
    transformer = LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, patch_size=1, patch_size_t=1, num_attention_heads=4, attention_head_dim=8,
        cross_attention_dim=32, num_layers=1, caption_channels=32,
    )  # fmt: skip
    return LTXConditionPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=vae, text_encoder=_t5(), tokenizer=_t5_tokenizer(),
        transformer=transformer,
    )  # fmt: skip


MAKERS = {
    "AnimateDiffVideoToVideoControlNetPipeline": animatediff,
    "WanVACEPipeline": wan_vace,
    "WanVideoToVideoPipeline": wan_video,
    "CogVideoXFunControlPipeline": cogvideo,
    "Cosmos2_5_TransferPipeline": cosmos,
    "LTXConditionPipeline": ltx,
}


def save(name: str, folder: Path) -> Path:
    """A folder as ``save_pretrained`` writes it, with parts that are not saved there left out."""
    pipe = MAKERS[name]()
    if name.startswith("Cosmos"):
        pipe.register_modules(safety_checker=None)
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder
