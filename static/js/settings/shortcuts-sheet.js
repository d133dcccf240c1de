// The sheet of keyboard shortcuts.

export function showShortcuts() {}
