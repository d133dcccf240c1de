// Deletes chats a while after the visitor said so, and until then lets each be brought back.
import { say } from '../page/announcer.js';
import { deleteChat } from '../page/api.js';
import { part } from '../page/dom.js';
import { words } from '../page/words.js';
import { Toasts } from './toasts.js';

export class Deletions {
  #tell; // {onChange, onUndone, onSent}
  #toasts;
  #waiting = new Map(); // by the chat's id: {chat, removeToast}
  #gone = new Set(); // ids; also of those the server has deleted, for an older answer may still list them

  /** `onChange()`: other chats are gone than before; `onUndone(chat)`, `onSent(chat)`: it is back, or lost. */
  constructor(region, tell) {
    this.#tell = tell;
    this.#toasts = new Toasts(region);
    document.addEventListener('keydown', (event) => this.#onKey(event));
    window.addEventListener('pagehide', () => {
      for (const { chat } of [...this.#waiting.values()]) this.#send(chat);
    });
  }

  isGone(id) {
    return this.#gone.has(id);
  }

  add(chat) {
    const action = { label: words.undo, hint: words.undoDeleting(chat.title), run: () => this.#undo(chat) };
    const removeToast = this.#toasts.show(words.deleted(chat.title), { action, onEnd: () => this.#send(chat) });
    this.#waiting.set(chat.id, { chat, removeToast });
    this.#gone.add(chat.id);
    this.#tell.onChange();
    say(words.deletedSaid(chat.title));
  }

  /** The chat is looked at again: it is not deleted. */
  keep(id) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#settle(waiting.chat);
    this.#gone.delete(id);
    this.#tell.onChange();
  }

  /** Nothing waits any more. */
  forget() {
    for (const { chat } of [...this.#waiting.values()]) this.#settle(chat);
  }

  #undo(chat) {
    this.#settle(chat);
    this.#gone.delete(chat.id);
    this.#tell.onChange();
    this.#tell.onUndone(chat);
    say(words.restored(chat.title));
  }

  async #send(chat) {
    this.#settle(chat);
    try {
      await deleteChat(chat.id, { keepalive: true });
      this.#tell.onSent(chat);
    } catch (error) {
      if (error.status === 404) return; // it was deleted elsewhere
      const text = words.deleteFailed(chat.title, error.message);
      this.#gone.delete(chat.id);
      this.#tell.onChange();
      this.#toasts.show(text);
      say(text);
    }
  }

  #settle({ id }) {
    this.#waiting.get(id).removeToast();
    this.#waiting.delete(id);
  }

  #onKey(event) {
    const { key, ctrlKey, metaKey, shiftKey, target } = event;
    const last = [...this.#waiting.values()].at(-1);
    const isUndo = (ctrlKey || metaKey) && !shiftKey && key === 'z';
    if (!last || !isUndo || target.closest('input, textarea')?.value) return; // there it undoes typing
    event.preventDefault();
    this.#undo(last.chat);
  }
}
