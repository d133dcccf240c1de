// Chooses the language and puts its words into the elements that ask for them.
import english from '../words/en.js';

const LANGUAGES = { en: english };

export const words = LANGUAGES[document.documentElement.lang] ?? english;

/** Fills `data-word` (text), `data-label` (aria-label and tooltip) and `data-hint` (placeholder) under `root`. */
export function applyWords(root = document) {
  for (const node of root.querySelectorAll('[data-word]')) node.textContent = words[node.dataset.word];
  for (const node of root.querySelectorAll('[data-label]')) label(node, words[node.dataset.label]);
  for (const node of root.querySelectorAll('[data-hint]')) node.placeholder = words[node.dataset.hint];
  for (const template of root.querySelectorAll('template')) applyWords(template.content);
}

export function label(node, text) {
  node.setAttribute('aria-label', text);
  if (node.tagName === 'BUTTON') node.title = text;
}
