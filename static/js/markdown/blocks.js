// Turns marked's block tokens into DOM nodes: one node per visible block.
import { element } from '../page/dom.js';
import { inlineNodes } from './inline.js';
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
  heading: (token) => element(`h${Math.min(token.depth + 2, 6)}`, {}, ...inlineNodes(token.tokens)),
  blockquote: (token) => element('blockquote', {}, ...blockNodes(token.tokens)),
  code,
  list,
  table,
};

function paragraph(token) {
  return element('p', {}, ...inlineNodes(token.tokens ?? [token]));
}

function code(token) {
  const language = (token.lang ?? '').trim().split(/\s+/)[0].slice(0, 30);
  const name = words.code(language);
  return element(
    'div',
    { class: 'code' },
    element('div', { class: 'code-bar' },
      element('span', { class: 'code-language' }, language || words.plainCode),
      element('button', { type: 'button', class: 'code-copy' }, words.copy)),
    element('pre', { tabindex: '0', role: 'group', 'aria-label': name },
      element('code', { class: language ? `language-${language}` : null }, token.text)),
  );
}

function list(token) {
  const numbered = token.ordered && token.start !== 1 ? { start: token.start } : {};
  return element(token.ordered ? 'ol' : 'ul', numbered, ...token.items.map((item) => listItem(item, token.loose)));
}

function listItem(item, loose) {
  const children = item.tokens.flatMap((token) => {
    if (token.type === 'checkbox') return inlineNodes([token]);
    if (token.type === 'text' && !loose) return inlineNodes([token]);
    return blockNodes([token]);
  });
  return element('li', { class: item.task ? 'task-item' : null }, ...children);
}

function table(token) {
  const cell = (name, { align, tokens }) => element(name, { class: align && `align-${align}` }, ...inlineNodes(tokens));
  const row = (cells, name) => element('tr', {}, ...cells.map((content) => cell(name, content)));
  return element(
    'div',
    { class: 'table', tabindex: '0', role: 'group', 'aria-label': words.table },
    element('table', {},
      element('thead', {}, row(token.header, 'th')),
      element('tbody', {}, ...token.rows.map((cells) => row(cells, 'td')))),
  );
}
