// Makes the last, half-arrived block presentable: hides marks whose meaning is still open, closes those half typed.
import remend from '../../vendor/remend-1.4.0/remend.js';
import { openFormulaAt } from './math-syntax.js';

/** What of `text` to show while more is coming. */
export function presentable(text) {
  return remend(withoutOpenEnd(text), CLOSE_ONLY);
}

const OFF = ['katex', 'singleTilde', 'comparisonOperators', 'htmlTags', 'setextHeadings'];
const CLOSE_ONLY = { ...Object.fromEntries(OFF.map((name) => [name, false])), linkMode: 'text-only' };

function withoutOpenEnd(whole) {
  const text = isInCode(whole) ? whole : withoutHalf(whole);
  const end = AMBIGUOUS_ENDS.reduce((shortest, pattern) => Math.min(shortest, foundAt(pattern, text)), text.length);
  return text.slice(0, end);
}

function withoutHalf(text) {
  const certain = text.slice(0, foundAt(WORD, text));
  return certain.slice(0, Math.min(openFormulaAt(certain), foundAt(SHORT_TABLE, certain, 4)));
}

function isInCode(text) {
  return (text.match(/^[ >]*(?:(?:[-*+]|\d{1,9}[.)]) +)?(?:```|~~~)/gm) ?? []).length % 2 === 1;
}

// Each is looked for in the last two lines only.
const AMBIGUOUS_ENDS = [
  /(?<=^|\n)[ >]*(?:\d{1,9}[.)]?|[-+*_=]{1,}|#{1,6}|`{1,2}|~{1,2}|\|)[ \t]*$/, // list, rule, heading, fence, table?
  /(?<=^|\n)[ >]*(?:[-*+]|\d{1,9}[.)]) +\[[ xX]?\]?[ \t]*$/, // the box of a task
  /(?<=^|\n)[ >]*\|[^\n]*(?:\n[ >|:-]*)?$/, // a table's first row, until its second one tells
  /&#?\w{0,31}$/, // a character reference
  /\\$/, // an escape
  /(?<!\\)\]$/, // the end of a link's text, until its address begins
];

// The last word may yet have to go to the next line. (From Thai to Chinese there are no blanks to wait for.)
const WORD = /(?<=^|\s)[^\s\u0e00-\u9fff]{1,24}$/;

// A table, until the rows that its columns are measured by are there.
const SHORT_TABLE = /(?<=^|\n)[ >]*\|[^\n]*\n[ >]*\|[ |:-]*\n(?:[ >]*\|[^\n]*\n)?(?:[ >]*\|[^\n]*|[ >]*)$/;

function foundAt(pattern, text, lines = 2) {
  let from = text.length;
  for (let line = 0; line < lines && from >= 0; line += 1) from = text.lastIndexOf('\n', from - 1);
  from += 1;
  const match = pattern.exec(text.slice(from));
  return match ? from + match.index : text.length;
}
