#!/usr/bin/python3
"""How long bantam takes from its start to the first token it writes, of models whose files are in memory already.

usage: start.py BANTAM [-r RUNS] [--beside BANTAM2] MODEL.gguf...
  -r            runs of each model (15); the median is printed, and the lowest to the highest
  --beside      another build, measured in turns with the first
The first run of each is not counted: it fills the kernel's memory of files, and the cache of packed weights."""
import argparse
import statistics
import subprocess
import time

PROMPT = 'Hello, how are you?'


def seconds_to_first_token(program, model):
    began = time.perf_counter()
    with subprocess.Popen([program, 'generate', '-m', model, '-p', PROMPT, '-n', '1'], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        wrote = process.stdout.read(1)
        seconds = time.perf_counter() - began
        process.stdout.read()
        if process.wait() != 0 or not wrote:
            raise SystemExit(f'{program} -m {model}: exit {process.returncode}: {process.stderr.read().decode().strip()}')
    return seconds


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('program')
    parser.add_argument('models', nargs='+')
    parser.add_argument('-r', '--runs', type=int, default=15)
    parser.add_argument('--beside', action='append', default=[])
    options = parser.parse_args()
    for model in options.models:
        times = {program: [] for program in [options.program, *options.beside]}
        for run in range(options.runs + 1):
            for program, found in times.items():
                seconds = seconds_to_first_token(program, model)
                if run > 0:
                    found.append(1000 * seconds)
        for program, found in times.items():
            print(f'{model.split("/")[-1]}: first token after {statistics.median(found):.0f} ms '
                  f'({min(found):.0f} to {max(found):.0f}) of {program}')


main()
