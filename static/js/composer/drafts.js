// Keeps what is typed but not sent, per chat, for this tab only; never a key.
import { withoutKeys } from './key-shape.js';

const key = (chat) => `draft:${chat ?? 'new'}`;

export function readDraft(chat) {
  return safely(() => sessionStorage.getItem(key(chat))) ?? '';
}

export function keepDraft(chat, text) {
  const kept = withoutKeys(text);
  safely(() => (kept ? sessionStorage.setItem(key(chat), kept) : sessionStorage.removeItem(key(chat))));
}

export function forgetDrafts() {
  safely(() => sessionStorage.clear());
}

// Storage may be switched off, or full.
function safely(work) {
  try {
    return work();
  } catch {
    return null;
  }
}
