#!/usr/bin/python3
"""Runs bantam and llama.cpp in turns on the same model files and prints both and their ratio.

usage: compare.py BANTAM LLAMA_BENCH [-t THREADS] [-r ROUNDS] [--depth N] MODEL.gguf...
  LLAMA_BENCH   llama-bench as bench/peer/build.sh builds it
  -r            rounds, each one run of both programs (5); medians are printed, and the lowest to the highest
  --depth       also decoding after N tokens of context
A round in which other processes took more than a tenth of a CPU is made again, up to three times; what they took in the
rounds that count is printed beside the figures."""
import argparse
import json
import os
import resource
import statistics
import subprocess
import time

DISTURBED, MOST_REPEATS = 0.1, 3


def busy_seconds():
    """CPU time of all processes, and of this one's children."""
    with open('/proc/stat') as stat:
        user, nice, system, _, _, irq, soft, stolen = map(int, stat.readline().split()[1:9])
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    everything = (user + nice + system + irq + soft + stolen) / os.sysconf('SC_CLK_TCK')
    return everything, children.ru_utime + children.ru_stime


def output_of(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f'{" ".join(command)}\nexit {done.returncode}: {done.stderr.strip()[-500:]}')
    return done.stdout


def run_bantam(program, model, threads, depth):
    found = json.loads(output_of([program, 'bench', '-m', model, '-t', str(threads), '-r', '1', '--json']))
    speeds = {s['name']: s['median'] for s in found['speeds']}
    rates = {'prefill 512': speeds['prefill'], 'decode 128': speeds['decode']}
    if depth and f'decode after {depth}' in speeds:
        rates[f'decode 128 after {depth}'] = speeds[f'decode after {depth}']
    shares = {s['name']: s['of_limit'] for s in found['speeds']}
    return rates, shares['decode']


def run_llama(program, model, threads, depth):
    rates = {}
    for at in [0] + ([depth] if depth else []):
        lines = output_of([program, '-m', model, '-t', str(threads), '-r', '1', '-o', 'jsonl', '-n', '128',
                           '-p', '0' if at else '512', '-d', str(at)])
        for line in lines.splitlines():
            test = json.loads(line)
            name = f'prefill {test["n_prompt"]}' if test['n_prompt'] else 'decode 128' + (f' after {at}' if at else '')
            rates[name] = test['avg_ts']
    return rates


def one_round(options, model):
    """Both programs' rates, the share of read bandwidth, and the CPUs that others kept busy meanwhile."""
    best = None
    for _ in range(1 + MOST_REPEATS):
        all_before, own_before = busy_seconds()
        began = time.monotonic()
        ours, share = run_bantam(options.bantam, model, options.threads, options.depth)
        theirs = run_llama(options.llama_bench, model, options.threads, options.depth)
        all_after, own_after = busy_seconds()
        others = max(0.0, (all_after - all_before - own_after + own_before) / (time.monotonic() - began))
        if best is None or others < best[3]:
            best = ours, theirs, share, others
        if others <= DISTURBED:
            break
    return best


def spread(values):
    return f'{statistics.median(values):8.1f} ({min(values):.1f} to {max(values):.1f})'


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument('bantam')
    arguments.add_argument('llama_bench')
    arguments.add_argument('models', nargs='+')
    arguments.add_argument('-t', dest='threads', type=int, default=len(os.sched_getaffinity(0)))
    arguments.add_argument('-r', dest='rounds', type=int, default=5)
    arguments.add_argument('--depth', type=int, default=0)
    options = arguments.parse_args()
    print(f'{"tokens/s, " + str(options.threads) + " threads":46}{"bantam":>28}{"llama.cpp":>28}{"ratio":>7}', flush=True)
    for model in options.models:
        rounds = [one_round(options, model) for _ in range(options.rounds)]
        name = os.path.basename(model).removesuffix('.gguf')
        for test in rounds[0][0]:
            ours, theirs = [r[0][test] for r in rounds], [r[1][test] for r in rounds]
            ratio = statistics.median(ours) / statistics.median(theirs)
            print(f'{name + " " + test:46}{spread(ours):>28}{spread(theirs):>28}{ratio:7.2f}')
        print(f'  decode reads at {100 * statistics.median(r[2] for r in rounds):.0f}% of the bandwidth measured; '
              f'others took {statistics.mean(r[3] for r in rounds):.2f} CPUs', flush=True)


if __name__ == '__main__':
    main()
