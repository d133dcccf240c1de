// Turns marked's inline tokens into DOM nodes: text, emphasis, code, links. Images become links that name their host.
import { element } from '../page/dom.js';
import { decodeEntities } from './entities.js';
import { safeTarget } from './links.js';
import { formula } from './math.js';
import { words } from '../page/words.js';

/** Nodes for `tokens`; inside a link no second link is made. */
export function inlineNodes(tokens, inLink = false) {
  return joined((tokens ?? []).flatMap((token) => (MAKERS[token.type] ?? asWritten)(token, inLink)));
}

const MAKERS = {
  text: (token, inLink) => (token.tokens ? inlineNodes(token.tokens, inLink) : decodeEntities(token.text)),
  escape: (token) => token.text,
  strong: (token, inLink) => element('strong', {}, ...inlineNodes(token.tokens, inLink)),
  em: (token, inLink) => element('em', {}, ...inlineNodes(token.tokens, inLink)),
  del: (token, inLink) => element('del', {}, ...inlineNodes(token.tokens, inLink)),
  codespan: (token) => element('code', { dir: 'ltr' }, token.text),
  formula: (token) => formula(token),
  br: () => element('br'),
  html: (token) => (/^<br\s*\/?>$/i.test(token.text) ? element('br') : token.text),
  checkbox,
  link,
  image,
};

function asWritten(token) {
  return token.raw;
}

function checkbox({ checked }) {
  return element('span', { class: 'task', role: 'img', 'aria-label': words.task[checked] }, checked ? '☑' : '☐');
}

function link(token, inLink) {
  const address = token.autolink ? token.href : decodeEntities(token.href);
  const content = token.autolink ? [token.text] : inlineNodes(token.tokens, true);
  const target = inLink ? null : safeTarget(address);
  return target ? anchor(target, content) : content;
}

function image(token, inLink) {
  const description = decodeEntities(token.text);
  const target = inLink ? null : safeTarget(decodeEntities(token.href));
  if (!target) return description;
  return anchor(target, [words.image(description, target.host)]);
}

// Letters of other alphabets can look like a well-known name: such a host is told as the network spells it.
function anchor({ href, host, external }, content) {
  const leaving = external ? { target: '_blank', rel: 'noopener noreferrer', title: href } : {};
  const told = /\bxn--/.test(host) ? [...content, ` (${host})`] : content;
  return element('a', { href, ...leaving }, ...joined(told));
}

// Neighbouring strings become one text node, however the lexer cut them.
function joined(parts) {
  const nodes = [];
  for (const piece of parts) {
    if (typeof piece === 'string' && typeof nodes.at(-1) === 'string') nodes.push(nodes.pop() + piece);
    else if (piece !== '') nodes.push(piece);
  }
  return nodes;
}
