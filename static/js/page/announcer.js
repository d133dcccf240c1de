// The page's one polite live region: says that a reply runs, that it still runs, and once what it said.
import { part } from './dom.js';
import { words } from './words.js';

const REPEAT_S = 7;

const region = part(document, 'status');
let timer = 0;

/** Speaks to screen readers. */
export function say(text) {
  sayIn(region, text);
}

export function startAnswering() {
  say(words.answering);
  clearInterval(timer);
  timer = setInterval(() => say(words.stillAnswering), REPEAT_S * 1000);
}

export function endAnswering(text) {
  clearInterval(timer);
  const isOld = [words.answering, words.stillAnswering].includes(region.textContent.trim());
  if (text || isOld) say(text);
}

/** The same words twice would not be read twice: an added blank makes them new. */
export function sayIn(node, text) {
  node.textContent = node.textContent === text ? `${text}\u00a0` : text;
}
