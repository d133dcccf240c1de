// Of each word in the JSON list on standard input: is it spelt as in British English, and how many syllables has it?
import { text } from 'node:stream/consumers';
import english from 'dictionary-en-gb';
import nspell from 'nspell';
import { syllable } from 'syllable';

const checker = nspell(english);
const words = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(words.map((word) => [word, checker.correct(word), syllable(word)])));
