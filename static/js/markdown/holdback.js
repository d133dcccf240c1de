// Makes the last, half-arrived block presentable: hides marks whose meaning is still open, closes those half typed.
import remend from '../../vendor/remend-1.4.0/remend.js';

/** What of `text` to show while more is coming. */
export function presentable(text) {
  return remend(withoutOpenEnd(text), CLOSE_ONLY);
}

const OFF = ['katex', 'singleTilde', 'comparisonOperators', 'htmlTags', 'setextHeadings'];
const CLOSE_ONLY = { ...Object.fromEntries(OFF.map((name) => [name, false])), linkMode: 'text-only' };

function withoutOpenEnd(text) {
  const end = AMBIGUOUS_ENDS.reduce((shortest, pattern) => Math.min(shortest, foundAt(pattern, text)), text.length);
  return text.slice(0, end);
}

// Each is looked for in the last two lines only.
const AMBIGUOUS_ENDS = [
  /(?<=^|\n)[ >]*(?:\d{1,9}[.)]?|[-+*_=]{1,}|#{1,6}|`{1,2}|~{1,2}|\|)[ \t]*$/, // list, rule, heading, fence, table or text?
  /(?<=^|\n) {0,3}\|[^\n]*(?:\n[ |:-]*)?$/, // a table's first row, until its second one tells
  /&#?\w{0,31}$/, // a character reference
  /\\$/, // an escape
  /\]$/, // the end of a link's text, until its address begins
];

function foundAt(pattern, text) {
  const from = text.lastIndexOf('\n', text.lastIndexOf('\n') - 1) + 1;
  const match = pattern.exec(text.slice(from));
  return match ? from + match.index : text.length;
}
