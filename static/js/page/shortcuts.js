// The keyboard shortcuts of the page. No single letters: those belong to typing and to screen readers.

const SHORTCUTS = {
  'Mod+Shift+O': 'newChat',
  'Mod+K': 'search',
  'Mod+Shift+S': 'toggleSidebar',
  'Mod+/': 'showShortcuts',
  'Mod+Shift+;': 'copyLastCode',
  'Mod+Shift+:': 'copyLastCode',
  'Shift+Escape': 'focusComposer',
  Escape: 'stop',
};

/** Calls the function in `actions` that a pressed shortcut names. */
export function listenForShortcuts(actions) {
  document.addEventListener('keydown', (event) => {
    const name = SHORTCUTS[spelled(event)];
    if (!name || event.isComposing || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    actions[name]();
  });
}

function spelled({ ctrlKey, metaKey, shiftKey, altKey, key }) {
  const name = key.length === 1 ? key.toUpperCase() : key;
  return [(ctrlKey || metaKey) && 'Mod', altKey && 'Alt', shiftKey && 'Shift', name].filter(Boolean).join('+');
}
