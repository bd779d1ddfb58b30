// The manual as the program has it: the same questions and answers, read from docs/manual.
import { readFileSync } from 'node:fs';

const read = (language) => readFileSync(new URL(`../../docs/manual/${language}/08-questions-and-answers.md`, import.meta.url), 'utf8');

export const kManuals = ['en', 'ko'].map((language) => ({
  name: `docs/manual/${language}/08-questions-and-answers.md`,
  text: read(language),
}));
