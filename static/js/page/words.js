// The page's language: another one is a file like words/en.js, named here. Puts its words where elements ask for them.
import words from '../words/en.js';

export { words };

/** Fills `data-word` (text), `data-label` (aria-label and tooltip) and `data-hint` (placeholder) under `root`. */
export function applyWords(root = document) {
  document.documentElement.lang = words.language;
  document.documentElement.dir = words.direction;
  for (const node of root.querySelectorAll('[data-word]')) node.textContent = words[node.dataset.word];
  for (const node of root.querySelectorAll('[data-label]')) label(node, words[node.dataset.label]);
  for (const node of root.querySelectorAll('[data-hint]')) node.placeholder = words[node.dataset.hint];
  for (const template of root.querySelectorAll('template')) applyWords(template.content);
}

export function label(node, text) {
  node.setAttribute('aria-label', text);
  if (node.tagName === 'BUTTON') node.title = text;
}
