// The message box: grows, keeps a draft per chat, sends on Enter but never a key, counts characters near the bound.
import { keepDraft, readDraft } from './drafts.js';
import { part } from '../page/dom.js';
import { KeyNotice } from './key-notice.js';
import { holdsKey } from './key-shape.js';
import { words } from '../page/words.js';

const AFTER_COMPOSITION_MS = 30; // some input methods send their closing Enter just after the end of composition
const COUNT_FROM = 0.9; // of the bound

export class Composer {
  #form;
  #field;
  #notice;
  #say;
  #chat = null;
  #state = { limit: Infinity, blocked: false, paused: false, busy: false };
  #composedAt = -Infinity;
  #doubted = false; // the server saw a key here that the page does not know: nothing of this draft is kept

  /** `onSend(text)` is called with trimmed text that is allowed to go; `say(text)` speaks to screen readers. */
  constructor(form, { onSend, onStop, onEditLast, say }) {
    this.#form = form;
    this.#field = part(form, 'field');
    this.#notice = new KeyNotice(part(document, 'key-notice'), this.#field, () => this.#onCut());
    this.#say = say;
    this.#field.addEventListener('input', () => this.#write(this.#field.value));
    this.#field.addEventListener('keydown', (event) => this.#onKey(event, onEditLast));
    this.#field.addEventListener('compositionend', () => (this.#composedAt = performance.now()));
    part(form, 'stop').addEventListener('click', onStop);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (part(form, 'send').disabled) return;
      const text = this.#text;
      if (holdsKey(text)) return this.refuseKey();
      this.#write('');
      onSend(text);
    });
  }

  /** As `open`, but what was typed before the scripts were there is kept. */
  begin(chat) {
    const typed = this.#field.value;
    this.open(chat);
    if (typed) this.giveBack(typed);
  }

  /** Shows the draft of `chat` (null: of the chat not yet begun). */
  open(chat) {
    this.#chat = chat;
    this.#doubted = false;
    this.#write(readDraft(chat));
  }

  /** The chat has begun under the id `chat`; what is typed by now goes with it. */
  moveTo(chat) {
    keepDraft(this.#chat, '');
    this.#chat = chat;
    this.#write(this.#field.value);
  }

  /** Puts `text` back, before whatever was typed since. */
  giveBack(text) {
    this.#write([text, this.#field.value].filter(Boolean).join('\n\n'));
  }

  /** Says `why` the draft, with `text` in it, is not sent: it holds a key. */
  refuseKey(text = '', why = words.keyFound) {
    if (text && !holdsKey(text)) this.#doubted = true;
    if (!this.#field.value.includes(text)) this.giveBack(text);
    this.#say(this.#notice.open(why));
    this.focus();
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  /** `limit`: characters allowed; `blocked`: a wait is on; `paused`: nobody is answered; `busy`: a reply runs: stop it. */
  set(change) {
    const { limit, blocked, paused, busy } = Object.assign(this.#state, change);
    const count = [...this.#text].length; // as the server counts: characters, not UTF-16 units
    const over = count - limit;
    const told = over > 0 ? words.tooLong(over) : words.characters(count, limit);
    part(this.#form, 'count').hidden = count < limit * COUNT_FROM;
    part(this.#form, 'count').textContent = count < limit * COUNT_FROM ? '' : told; // it describes the box, hidden or not
    part(this.#form, 'grower').dataset.text = `${this.#field.value} `;
    part(this.#form, 'send').disabled = count === 0 || over > 0 || blocked || paused || busy;
    part(this.#form, 'send').hidden = busy;
    part(this.#form, 'stop').hidden = !busy;
    this.#form.toggleAttribute('data-too-long', over > 0);
  }

  #onKey(event, onEditLast) {
    const justComposed = performance.now() - this.#composedAt < AFTER_COMPOSITION_MS;
    const composing = event.isComposing || event.keyCode === 229 || justComposed;
    const breaksLine = event.shiftKey || matchMedia('(hover: none) and (pointer: coarse)').matches;
    if (event.key === 'ArrowUp' && !this.#field.value && !this.#state.busy) {
      event.preventDefault();
      onEditLast();
    }
    if (event.key !== 'Enter' || composing || breaksLine) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #onCut() {
    this.#write(this.#field.value);
    this.#say(words.keyCut);
    this.focus();
  }

  #write(text) {
    if (this.#field.value !== text) this.#field.value = text;
    if (!text) this.#doubted = false;
    keepDraft(this.#chat, this.#doubted ? '' : text);
    this.#notice.update();
    this.set({});
  }

  get #text() {
    return this.#field.value.trim();
  }
}
