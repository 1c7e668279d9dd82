"""Makes the models of `make test-vllm`: models.py FOLDER. Tiny, with random weights and a tokenizer of bytes."""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Qwen3MoeConfig, Qwen3MoeForCausalLM

VOCABULARY = 320
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    # The least that attention on a CPU supports.
    "head_dim": 32,
    # As long as any length that a case of the corpus asks for.
    "max_position_embeddings": 131072,
    "bos_token_id": 256,
    "eos_token_id": 257,
    # Not bfloat16: with that, vLLM 0.32.0 takes AMX kernels wherever the CPU says that it has AMX
    # (vllm/v1/attention/backends/cpu_attn.py:544), also where a hypervisor does not grant it. The README tells more.
    "torch_dtype": "float32",
}


def tokenizer() -> PreTrainedTokenizerFast:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    vocabulary |= {"<s>": 256, "</s>": 257}
    vocabulary |= {f"<unused{number}>": number for number in range(258, VOCABULARY)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")


def main(folder: Path) -> None:
    torch.manual_seed(0)
    dense = LlamaForCausalLM(LlamaConfig(**SIZES))
    experts = Qwen3MoeForCausalLM(
        Qwen3MoeConfig(**SIZES, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=64)
    )
    for name, model in (("dense", dense), ("experts", experts)):
        model.to(torch.float32).save_pretrained(folder / name)
        tokenizer().save_pretrained(folder / name)


main(Path(sys.argv[1]))
