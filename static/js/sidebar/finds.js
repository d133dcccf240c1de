// Marks in a text what a search found there, as the server finds it: without regard to capitals and accents.
import { element } from '../page/dom.js';

const WORDS = /[\p{L}\p{M}\p{N}]+/gu;
const DENSE = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}]/u; // no spaces

/** The text as strings and <mark> elements. */
export function marked(text, query) {
  const sought = fold(query).match(WORDS);
  if (!sought) return [text];
  const chars = [...text];
  const places = []; // of each unit of the folded text: the character that it comes from
  const folded = chars.map((char, place) => {
    const units = fold(char);
    for (let count = units.length; count; count--) places.push(place);
    return units;
  });
  const parts = [];
  let end = 0;
  for (const found of folded.join('').matchAll(new RegExp(sought.map(asPattern).join('|'), 'gu'))) {
    const from = places[found.index];
    const to = places[found.index + found[0].length - 1] + 1;
    parts.push(chars.slice(end, from).join(''), element('mark', {}, chars.slice(from, to).join('')));
    end = to;
  }
  return [...parts, chars.slice(end).join('')];
}

// A word counts from its beginning; only the last one sought may be part of a longer one.
function asPattern(word, place, { length }) {
  if (DENSE.test(word)) return word;
  return `(?<![\\p{L}\\p{N}])${word}${place < length - 1 ? '(?![\\p{L}\\p{N}])' : ''}`;
}

function fold(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
