// The message box: grows, keeps a draft per chat, sends on Enter but never a key, counts characters near the bound.
import { keepDraft, readDraft } from './drafts.js';
import { growWith, sendsOn } from './field.js';
import { say } from '../page/announcer.js';
import { part } from '../page/dom.js';
import { KeyNotice } from './key-notice.js';
import { holdsKey } from './key-shape.js';
import { words } from '../page/words.js';

const COUNT_FROM = 0.9; // of the bound

export class Composer {
  #form;
  #field;
  #notice;
  #chat; // null: one not yet begun
  #sent = ''; // but not known to have arrived: still kept as a draft
  #state = { limit: Infinity, blocked: false, paused: false, busy: false };
  #doubted = false; // the server saw a key here that the page does not know: nothing of this draft is kept

  /** `onSend(text)` is called with trimmed text that is allowed to go. */
  constructor(form, { onSend, onStop, onEditLast }) {
    this.#form = form;
    this.#field = part(form, 'field');
    this.#notice = new KeyNotice(part(document, 'key-notice'), this.#field, () => this.#onCut());
    this.#field.addEventListener('input', () => this.#write(this.#field.value, this.#sent));
    this.#field.addEventListener('keydown', (event) => this.#onKey(event, onEditLast));
    part(form, 'stop').addEventListener('click', onStop);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (part(form, 'send').disabled) return;
      const text = this.#text;
      if (holdsKey(text)) return this.refuseKey();
      this.#write('', text);
      onSend(text);
    });
  }

  /** As `open`, but what was typed before the scripts were there is kept. */
  begin(chat) {
    const typed = this.#field.value;
    this.open(chat);
    if (typed) this.giveBack(typed);
  }

  /** Shows the draft of `chat`; null: of one not yet begun; undefined: nothing is kept of what is typed there. */
  open(chat) {
    this.#chat = chat;
    this.#doubted = false;
    this.#write(chat === undefined ? '' : readDraft(chat));
  }

  /** As `open`, but what is typed by now goes with it. `isUnasked`: what was sent is a draft again. */
  moveTo(chat, isUnasked = false) {
    keepDraft(this.#chat, '');
    this.#chat = chat;
    if (isUnasked) this.giveBack(this.#sent);
    else this.#write(this.#field.value, this.#sent);
  }

  /** The server has what was sent. If the draft is the question `text`, which it has, it is no draft any more. */
  arrived(text) {
    this.#write(this.#field.value === text ? '' : this.#field.value);
  }

  /** Puts `text` back, before whatever was typed since. */
  giveBack(text) {
    this.#write([text, this.#field.value].filter(Boolean).join('\n\n'));
  }

  /** Says `why` the draft, with `text` in it, is not sent: it holds a key. */
  refuseKey(text = '', why = words.keyFound) {
    if (text && !holdsKey(text)) this.#doubted = true;
    this.giveBack(this.#field.value.includes(text) ? '' : text);
    say(this.#notice.open(why));
    this.focus();
  }

  /** May a message be sent at all now, whatever the draft? */
  get mayGo() {
    const { blocked, paused, busy } = this.#state;
    return !(blocked || paused || busy);
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
    growWith(this.#field);
    part(this.#form, 'send').disabled = count === 0 || over > 0 || blocked || paused || busy;
    document.body.toggleAttribute('data-answering', busy);
    this.#form.toggleAttribute('data-too-long', over > 0);
    this.#swap(busy);
  }

  // Of a button that goes the focus must not be lost; but on a touch screen the box would bring up its keyboard.
  #swap(busy) {
    const [send, stop] = [part(this.#form, 'send'), part(this.#form, 'stop')];
    const focused = document.activeElement;
    const isByKey = focused.matches(':focus-visible');
    send.hidden = busy;
    stop.hidden = !busy;
    if (busy && focused === send) stop.focus();
    if (!busy && focused === stop && isByKey) this.focus();
  }

  #onKey(event, onEditLast) {
    if (sendsOn(event)) this.#form.requestSubmit();
    if (event.key !== 'ArrowUp' || this.#field.value || this.#state.busy) return;
    event.preventDefault();
    onEditLast();
  }

  #onCut() {
    this.#write(this.#field.value, this.#sent);
    say(words.keyCut);
    this.focus();
  }

  // `sent`: what else is kept with it.
  #write(text, sent = '') {
    this.#sent = sent;
    if (this.#field.value !== text) this.#field.value = text;
    if (!text) this.#doubted = false;
    const kept = [sent, text].filter(Boolean).join('\n\n');
    if (this.#chat !== undefined) keepDraft(this.#chat, this.#doubted ? '' : kept);
    this.#notice.update();
    this.set({});
  }

  get #text() {
    return this.#field.value.trim();
  }
}
