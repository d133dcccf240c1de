// The settings: colours, size of the text, what Enter does, and the visitor's own data.
import { openDialog } from '../page/dialog.js';
import { offerOwnData } from './own-data.js';

const dialog = document.getElementById('settings');

/** `onImported()`: there are chats that were not there; `onDeleted()`: there are none any more. */
export function showSettings({ onImported, onDeleted }) {
  const chosen = document.documentElement.dataset;
  for (const radio of dialog.querySelectorAll('input[type="radio"]')) radio.checked = chosen[radio.name] === radio.value;
  dialog.onchange = ({ target }) => target.type === 'radio' && window.choose(target.name, target.value);
  offerOwnData(dialog, { onImported, onDeleted });
  openDialog(dialog);
}
