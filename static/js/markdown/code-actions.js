// What can be done with a code block: copy it, or save it as a file.
import { copy } from '../page/copying.js';
import { element } from '../page/dom.js';
import { languageOf } from './languages.js';

const WHOLE_NAMES = { dockerfile: 'Dockerfile', mk: 'Makefile' };

/** Does what the pressed `button` of a code block's bar says; other buttons are not its business. */
export function actOnCode(button) {
  const block = button.closest('.code');
  if (button.matches('.code-copy')) copyCode(block);
  if (button.matches('.code-download')) downloadCode(block);
}

/** Copies the text of a code block, or of the last one on the page. */
export function copyCode(block = [...document.querySelectorAll('.code')].at(-1)) {
  if (block) copy(textOf(block), block.querySelector('.code-copy'));
}

function downloadCode(block) {
  const { extension = 'txt' } = languageOf(block.querySelector('.code-language').textContent) ?? {};
  const address = URL.createObjectURL(new Blob([textOf(block), '\n'], { type: 'application/octet-stream' }));
  element('a', { href: address, download: WHOLE_NAMES[extension] ?? `code.${extension}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser may ask first where to save it
}

function textOf(block) {
  return block.querySelector('pre').textContent;
}
