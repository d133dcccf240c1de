// The box in place of a question that is edited: sent as another version of it, never with a key in it.
import { growWith, sendsOn } from '../composer/field.js';
import { keepDraft, readDraft } from '../composer/drafts.js';
import { KeyNotice } from '../composer/key-notice.js';
import { holdsKey } from '../composer/key-shape.js';
import { copyTemplate, part } from '../page/dom.js';
import { onEscape } from '../page/shortcuts.js';
import { words } from '../page/words.js';

export class QuestionEditor {
  #field;
  #notice;
  #keep;

  /**
   * `text`: other than the question's. `isKept`: may a draft of it be kept? `mayGo()`: may it be sent now?
   * `onLeave()` is called when it is given up, and before `onSend(text)`.
   */
  constructor(question, { text, isKept, onSend, onLeave, mayGo }) {
    this.node = copyTemplate('question-editor');
    this.#field = part(this.node, 'field');
    this.#keep = (draft) => isKept && keepDraft(`edit:${question.id}`, draft === question.text ? '' : draft);
    this.#field.value = text ?? (readDraft(`edit:${question.id}`) || question.text);
    this.#notice = new KeyNotice(part(this.node, 'key-notice'), this.#field, () => this.#onInput());
    const leave = () => {
      this.#keep('');
      onLeave();
    };
    this.#field.addEventListener('input', () => this.#onInput());
    this.#field.addEventListener('keydown', (event) => sendsOn(event) && this.node.requestSubmit());
    onEscape(this.node, leave);
    part(this.node, 'cancel').addEventListener('click', leave);
    this.node.addEventListener('submit', (event) => {
      event.preventDefault();
      const told = this.#field.value.trim();
      if (!told) return;
      if (holdsKey(told)) return this.refuseKey();
      if (!mayGo()) return this.tell(words.notNow);
      leave();
      onSend(told);
    });
    this.#onInput();
  }

  refuseKey(why = words.keyFound) {
    this.#notice.open(why);
    this.focus();
  }

  /** Says why it was not sent. */
  tell(why) {
    part(this.node, 'note').textContent = why;
  }

  focus() {
    this.#field.focus();
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
  }

  #onInput() {
    growWith(this.#field);
    this.#keep(this.#field.value);
    this.#notice.update();
    part(this.node, 'send').disabled = !this.#field.value.trim();
  }
}
