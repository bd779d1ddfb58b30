#!/usr/bin/env python3
"""Writes the chat data of models/bantam-1.recipe.json as JSON lines of {"messages": [...]}.

usage: make_chat_data.py INSTRUCT_DIR OUT.jsonl      (needs the zstd program)

INSTRUCT_DIR holds the openly licensed sets named in SOURCES; the model card lists them with their licences. Short
answers about Bantam itself come from bantam_facts.json beside this script.
"""
import csv, json, os, random, subprocess, sys

MOST_CHARACTERS = 1400  # of question and answer together: what fits a training row of 512 tokens


def zst_rows(path):
    with subprocess.Popen(['zstd', '-dcq', path], stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            yield json.loads(line)


def daily_talk(folder):
    with open(f'{folder}/ko_chatbot_MIT/ChatbotData.csv', encoding='utf-8') as file:
        for row in csv.DictReader(file):
            yield row['Q'], row['A']


def open_questions(folder):
    for row in zst_rows(f'{folder}/questions/dolly_open_qa.jsonl.zst'):
        yield row['question'], row['answers'][0]


def dolly_sample(folder):
    with open(f'{folder}/dolly_hhrlhf_small/dolly_hhrlhf_train_small.jsonl', encoding='utf-8') as file:
        for line in file:
            row = json.loads(line)
            instruction = row['prompt'].split('### Instruction:\n', 1)[-1].rsplit('\n\n### Response:', 1)[0]
            yield instruction, row['response']


def clean_instructions(folder):
    with open(f'{folder}/rasbt_1100_Apache2/instruction-data.json', encoding='utf-8') as file:
        for row in json.load(file):
            yield f"{row['instruction']}\n\n{row['input']}".strip(), row['output']


def reading(folder, name, most):
    rows = [row for row in zst_rows(f'{folder}/reading/{name}') if row.get('start', -1) >= 0 and row['answers']]
    random.Random(1).shuffle(rows)
    for row in rows[:most]:
        yield f"{row['passage']}\n\n{row['question']}", row['answers'][0]


def about_bantam(_):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bantam_facts.json'), encoding='utf-8') as file:
        for fact in json.load(file):
            for question in fact['questions']:
                for answer in fact['answers']:
                    yield question, answer


SOURCES = [  # what, how many times each row occurs
    (daily_talk, 1),
    (open_questions, 1),
    (dolly_sample, 1),
    (clean_instructions, 1),
    (lambda folder: reading(folder, 'squad_train_aligned.jsonl.zst', 8000), 1),
    (lambda folder: reading(folder, 'ko_korquad21_dev_aligned_clean.jsonl.zst', 2000), 1),
    (about_bantam, 8),
]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, out = sys.argv[1:]
    rows = []
    for source, times in SOURCES:
        for question, answer in source(folder):
            question, answer = question.strip(), answer.strip()
            if question and answer and len(question) + len(answer) <= MOST_CHARACTERS:
                rows += [(question, answer)] * times
    random.Random(2).shuffle(rows)
    with open(out, 'w', encoding='utf-8') as file:
        for question, answer in rows:
            messages = [{'role': 'user', 'content': question}, {'role': 'assistant', 'content': answer}]
            file.write(json.dumps({'messages': messages}, ensure_ascii=False) + '\n')
    print(f'{len(rows)} conversations in {out}')


if __name__ == '__main__':
    main()
