// Draws formulas with KaTeX, which is loaded at the first one. Until then, and if it cannot, their source is shown.
import { element } from '../page/dom.js';
import { toDraw } from './drawing.js';
import { words } from '../page/words.js';

const HOME = new URL('../../vendor/katex-0.19.1/', import.meta.url);
const SIZES = ['Size1', 'Size2', 'Size3', 'Size4'].map((name) => `1em KaTeX_${name}`);
const FONTS = ['1em KaTeX_Main', 'italic 1em KaTeX_Math', ...SIZES];
const LIMITS = { throwOnError: true, trust: false, maxSize: 10, maxExpand: 200, strict: 'ignore' };
const DEEPEST = 100; // boxes in boxes; ten fractions in each other are 77
const HIGHEST_EM = 100;

let loading = null;
let ready = false;

export const isMathReady = () => ready;

/** The formula of a token, as a box of its own (`div`) or in a line (`span`). */
export function formula({ text, display, written }, name = 'span') {
  const box = name === 'div' ? { tabindex: '0', role: 'group', 'aria-label': words.formula } : {};
  const attributes = { class: display ? 'formula display' : 'formula', dir: 'ltr', ...box };
  return toDraw(element(name, attributes, element('code', {}, written)), {
    key: `${name} ${display} ${text}`,
    load: loadMath,
    isReady: isMathReady,
    draw: (node) => draw(node, text, display),
  });
}

/** KaTeX, its style and the fonts of nearly every formula, so that none changes its size after it is drawn. */
export function loadMath() {
  loading ??= Promise.all([import(`${HOME}katex.min.js`), addStyle()])
    .then(() => Promise.all(FONTS.map((font) => document.fonts.load(font))))
    .then(() => (ready = true))
    .catch((error) => {
      loading = null;
      throw error;
    });
  return loading;
}

function addStyle() {
  const link = element('link', { rel: 'stylesheet', href: `${HOME}katex.min.css` });
  return new Promise((resolve, reject) => {
    link.addEventListener('load', resolve);
    link.addEventListener('error', reject);
    document.head.append(link);
  });
}

function draw(node, text, displayMode) {
  try {
    const tree = window.katex.__renderToDomTree(text, { ...LIMITS, displayMode });
    prepare(tree);
    node.replaceChildren(tree.toNode());
  } catch {
    // What is no formula, or a monstrous one, stays as it was written.
  }
}

// Deep nesting can bring the browser down.
function prepare(part, level = 1) {
  if (level > DEEPEST || Math.max(part.height ?? 0, part.depth ?? 0) > HIGHEST_EM) throw new RangeError('too large');
  if (part.attributes?.style) styleByScript(part);
  for (const child of part.children ?? []) prepare(child, level + 1);
}

// The page's policy forbids style attributes, not setting a style.
function styleByScript(part) {
  const { style } = part.attributes;
  const make = part.toNode;
  delete part.attributes.style;
  part.toNode = () => {
    const node = make.call(part);
    node.style.cssText = style;
    return node;
  };
}
