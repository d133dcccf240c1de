// The sheet of keyboard shortcuts, as the visitor's keyboard and settings have them.
import { openDialog } from '../page/dialog.js';
import { element, part } from '../page/dom.js';
import { isMac, SHORTCUTS } from '../page/shortcuts.js';
import { words } from '../page/words.js';

const sheet = document.getElementById('shortcuts');

export function showShortcuts() {
  part(sheet, 'keys').replaceChildren(...Object.entries({ ...inTheBox(), ...SHORTCUTS }).map(row));
  openDialog(sheet);
}

function inTheBox() {
  const enterSends = document.documentElement.dataset.enter === 'sends';
  return {
    send: [enterSends ? 'Enter' : 'Mod+Enter'],
    breakLine: [enterSends ? 'Shift+Enter' : 'Enter'],
    editLast: ['ArrowUp'],
  };
}

function row([name, [keys]]) {
  const named = keys.split('+').map((key) => element('kbd', {}, (isMac ? words.macKeys : words.keys)[key] ?? key));
  return element('tr', {}, element('th', { scope: 'row' }, words.shortcut[name]), element('td', {}, ...named));
}
