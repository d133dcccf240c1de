// The keyboard shortcuts of the page. No single letters: those belong to typing and to screen readers.

/** What each does and its keys: the first as the sheet names them, the others as some keyboards spell the same. */
export const SHORTCUTS = {
  newChat: ['Mod+Shift+O'],
  search: ['Mod+K'],
  toggleSidebar: ['Mod+Shift+S'],
  copyLastCode: ['Mod+Shift+;', 'Mod+Shift+:'],
  showShortcuts: ['Mod+/', 'Mod+Shift+/'], // where / is Shift+7
  focusComposer: ['Shift+Escape'],
  stop: ['Escape'],
};

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

const ACTIONS = Object.fromEntries(Object.entries(SHORTCUTS).flatMap(([name, keys]) => keys.map((key) => [key, name])));

/** Calls `act` with the name of what a pressed shortcut does. */
export function listenForShortcuts(act) {
  document.addEventListener('keydown', (event) => {
    const name = ACTIONS[spelled(event)];
    if (!name || event.isComposing || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    act(name);
  });
}

/** `act()` on Escape in `node`, which then goes no further, to where it stops a reply, unless `act` returns false. */
export function onEscape(node, act) {
  node.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.isComposing || act() === false) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

// Ctrl with a letter is for editing on a Mac, and the other key is the system's elsewhere.
function spelled({ ctrlKey, metaKey, shiftKey, altKey, key }) {
  const name = key.length === 1 ? key.toUpperCase() : key;
  const mod = isMac ? metaKey : ctrlKey;
  return [mod && 'Mod', altKey && 'Alt', shiftKey && 'Shift', name].filter(Boolean).join('+');
}
