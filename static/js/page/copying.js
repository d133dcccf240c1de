// Copies to the clipboard and says so.
import { words } from './words.js';

const SHOWN_MS = 1800;

export function copyOnClick(button, text) {
  button.addEventListener('click', () => copy(text(), button));
}

/** Copies the text of a code block, or of the last one on the page. */
export function copyCode(block = [...document.querySelectorAll('.code')].at(-1)) {
  if (block) copy(block.querySelector('pre').textContent, block.querySelector('button'));
}

async function copy(text, button) {
  const copied = await navigator.clipboard?.writeText(text).then(() => true, () => false); // plain http has none
  const status = document.querySelector('[data-part="status"]');
  status.textContent = copied ? words.copied : words.copyFailed;
  button.classList.toggle('copied', Boolean(copied));
  setTimeout(() => button.classList.remove('copied'), SHOWN_MS);
}
