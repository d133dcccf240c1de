// Copies to the clipboard and says so.
import { sayIn } from './announcer.js';
import { element, part } from './dom.js';
import { words } from './words.js';

const SHOWN_MS = 1800;

export function copyOnClick(button, text) {
  button.addEventListener('click', () => copy(text(), button));
}

export async function copy(text, button) {
  const copied = (await navigator.clipboard?.writeText(text).then(() => true, () => false)) || copySelected(text);
  const region = button.closest('dialog')?.querySelector('[role=status]') ?? part(document, 'status');
  sayIn(region, copied ? words.copied : words.copyFailed);
  button.classList.toggle('copied', copied);
  setTimeout(() => button.classList.remove('copied'), SHOWN_MS);
}

// Plain http, or a clipboard that is refused: the old way still works in every browser.
function copySelected(text) {
  const focused = document.activeElement;
  const box = element('textarea', { class: 'visually-hidden', readonly: '' });
  box.value = text;
  (focused?.closest('dialog') ?? document.body).append(box); // a dialog lets nothing outside of it be selected
  box.select();
  const copied = document.execCommand('copy');
  box.remove();
  focused?.focus({ preventScroll: true });
  return copied;
}
