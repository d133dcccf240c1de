// Keeps what is typed but not sent, per chat, for this tab only.

const key = (chat) => `draft:${chat ?? 'new'}`;

export function readDraft(chat) {
  return safely(() => sessionStorage.getItem(key(chat))) ?? '';
}

export function keepDraft(chat, text) {
  safely(() => (text ? sessionStorage.setItem(key(chat), text) : sessionStorage.removeItem(key(chat))));
}

// Storage may be switched off, or full.
function safely(work) {
  try {
    return work();
  } catch {
    return null;
  }
}
