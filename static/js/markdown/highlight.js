// Colours code with highlight.js, whose core and languages are loaded when a block needs them.
import { toDraw } from './drawing.js';
import { INSIDE, languageOf } from './languages.js';

const HOME = '../../vendor/highlight.js-11.12.0/';
const LONGEST = 12_000; // characters: the time of some grammars grows with their square,
const TOO_DENSE = /[^\n]{500}|\s{200}/; // or with that of a line

let hljs = null;
let spans = null;
const loaded = new Map(); // what is loaded, or being loaded → promise

/** `code`, the element that holds `text`, to be coloured if the language is known. */
export function toHighlight(code, language, text) {
  const grammar = languageOf(language)?.grammar;
  const key = `${language}\n${text}`;
  return toDraw(code, { key, drawn: !grammar, load: () => load(grammar), draw: (node) => highlight(node, grammar) });
}

async function load(grammar) {
  await once('core', async () => {
    [{ default: hljs }, { spans }] = await Promise.all([import(`${HOME}core.min.js`), import('./spans.js')]);
  });
  await Promise.all([grammar, ...(INSIDE[grammar] ?? [])].map((name) => once(name, () => register(name))));
}

async function register(name) {
  const { default: grammar } = await import(`${HOME}languages/${name}.min.js`);
  hljs.registerLanguage(name, grammar);
}

function once(name, act) {
  if (!loaded.has(name)) loaded.set(name, act());
  loaded.get(name).catch(() => loaded.delete(name)); // the next block may have more luck
  return loaded.get(name);
}

function highlight(node, language) {
  const text = node.textContent;
  if (text.length > LONGEST || TOO_DENSE.test(text)) return;
  const found = hljs.highlight(text, { language, ignoreIllegals: true });
  if (!found.errorRaised) node.replaceChildren(...spans(found._emitter.rootNode)); // its HTML is not used
}
