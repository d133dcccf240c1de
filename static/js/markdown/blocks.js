// Turns marked's block tokens into DOM nodes: one node per visible block.
import { element } from '../page/dom.js';
import { direction } from './direction.js';
import { toHighlight } from './highlight.js';
import { inlineNodes } from './inline.js';
import { formula } from './math.js';
import { table } from './table.js';
import { words } from '../page/words.js';

/** Nodes for `tokens`, in order; blank lines and link definitions give none. */
export function blockNodes(tokens) {
  return tokens.flatMap((token) => (MAKERS[token.type] ?? paragraph)(token));
}

const MAKERS = {
  space: () => [],
  def: () => [],
  hr: () => element('hr'),
  // An answer stands under its own h2, so its headings begin at h3.
  heading: (token) => element(`h${Math.min(token.depth + 2, 6)}`, { dir: 'auto' }, ...inlineNodes(token.tokens)),
  blockquote: (token) => element('blockquote', { dir: direction(token.text) }, ...blockNodes(token.tokens)),
  formula: (token) => formula(token, 'div'),
  code,
  list,
  table,
};

function paragraph(token) {
  return element('p', { dir: 'auto' }, ...inlineNodes(token.tokens ?? [token]));
}

function code(token) {
  const language = (token.lang ?? '').trim().split(/\s+/)[0].slice(0, 30);
  const button = (name, word) => element('button', { type: 'button', class: name }, word);
  const text = element('code', { class: language ? `language-${language}` : null }, token.text);
  return element(
    'div',
    { class: 'code', dir: 'ltr' },
    element('div', { class: 'code-bar' },
      element('span', { class: 'code-language' }, language || words.plainCode),
      button('code-copy', words.copy),
      button('code-download', words.download)),
    element('pre', { tabindex: '0', role: 'group', 'aria-label': words.code(language) },
      toHighlight(text, language, token.text)),
  );
}

function list(token) {
  const start = token.ordered && token.start !== 1 ? token.start : null;
  const attributes = { start, dir: direction(token.raw) };
  return element(token.ordered ? 'ol' : 'ul', attributes, ...token.items.map((item) => listItem(item, token.loose)));
}

function listItem(item, loose) {
  const children = item.tokens.flatMap((token) => {
    if (token.type === 'checkbox') return inlineNodes([token]);
    if (token.type === 'text' && !loose) return inlineNodes([token]);
    return blockNodes([token]);
  });
  return element('li', { class: item.task ? 'task-item' : null, dir: loose ? null : 'auto' }, ...children);
}
