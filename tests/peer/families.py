#!/usr/bin/python3
"""usage: families.py GENERATOR FOLDER
Tiny random models (f32) into FOLDER: every tiny shape of GENERATOR (gen_gguf.py), and with its parts those it has not."""
import os, runpy, sys

SHAPES = 'llama llama3 moe phi3 phi2 gemma gemma2 gemma3 openelm qwen2 qwen3 gpt2 starcoder2'.split()


def load(generator, first):
    """Its functions; being run, it also writes the first shape."""
    sys.argv = [generator, 'tiny-' + SHAPES[0], first]
    return runpy.run_path(generator)


def llama(gen, arch='llama', **more):
    return gen['llama_like'](arch, 0, 3, 256, 512, 8, 2, 512, 2048, 10000.0, 1e-5, tied=False, **more)


def with_keys(gen, model, keys):
    for key, value in keys.items():
        kind = {bool: gen['BOOL'], int: gen['U32'], float: gen['F32'], str: gen['STR']}[type(value)]
        model.own(key, kind, value)
    return model


def bitnet(gen):
    model = llama(gen, 'bitnet')
    model.tensors = [t for t in model.tensors if t[0] != 'output.weight']
    for layer in range(3):
        gen['norm'](model, f'blk.{layer}.attn_sub_norm', 256)
        gen['norm'](model, f'blk.{layer}.ffn_sub_norm', 512)
    return model


def stablelm(gen):
    model = llama(gen, 'stablelm', qkv_bias=True)
    model.meta = [m for m in model.meta if 'rms_epsilon' not in m[0] and 'rope.dimension_count' not in m[0]]
    for name, shape, kind, _ in list(model.tensors):
        if kind == 'one': model.tensor(name.replace('.weight', '.bias'), shape, 'bias')
    return with_keys(gen, model, {'attention.layer_norm_epsilon': 1e-5, 'rope.dimension_count': 16, 'use_parallel_residual': False})


OTHERS = {
    'bitnet': bitnet,
    'stablelm': stablelm,
    'linear': lambda gen: with_keys(gen, llama(gen), {'rope.scaling.type': 'linear', 'rope.scaling.factor': 4.0}),
    'yarn': lambda gen: with_keys(gen, llama(gen), {
        'rope.scaling.type': 'yarn', 'rope.scaling.factor': 4.0, 'rope.scaling.original_context_length': 512}),
    'qwenyarn': lambda gen: with_keys(gen, llama(gen, 'qwen2', qkv_bias=True), {
        'rope.scaling.type': 'yarn', 'rope.scaling.factor': 40.0, 'rope.scaling.original_context_length': 64,
        'rope.scaling.attn_factor': 0.9}),  # llama.cpp reads yarn_beta_fast and _slow of grok and mistral3 only
}


def main():
    generator, folder = sys.argv[1:]
    gen = load(generator, os.path.join(folder, SHAPES[0] + '.gguf'))
    for shape in SHAPES[1:]:
        gen['build']('tiny-' + shape, 0).write(os.path.join(folder, shape + '.gguf'), 1)
    for name, make in OTHERS.items():
        model = make(gen)
        model.meta = [(k, t, 'tiny') if k == 'general.name' else (k, t, v) for k, t, v in model.meta]
        gen['copy_tokenizer'](model, 'models/stories260K.gguf', 512)
        model.write(os.path.join(folder, name + '.gguf'), 1)


main()
