// The list of messages on the page, in order, and the notice that may stand after them.
import { ErrorView } from '../page/error-view.js';
import { Question } from './question.js';
import { Reply } from './reply.js';

export class Transcript {
  #list;
  #messages = [];
  #notice = null;

  /** `onAct(name, message, button)`: one of a message's buttons was pressed; each names its act by `data-act`. */
  constructor(list, onAct) {
    this.#list = list;
    list.addEventListener('click', ({ target }) => {
      const button = target.closest('[data-act]');
      const message = button && this.#messages.find(({ node }) => node.contains(button));
      if (message) onAct(button.dataset.act, message, button);
    });
  }

  get isEmpty() {
    return this.#list.childElementCount === 0;
  }

  get first() {
    return this.#messages[0];
  }

  get lastQuestion() {
    return this.#messages.findLast((message) => message instanceof Question);
  }

  get lastReply() {
    const last = this.#messages.at(-1);
    return last instanceof Reply ? last : null;
  }

  /** How the last answer stands, for tabs to compare. */
  get end() {
    return JSON.stringify([this.lastReply?.asMessage, this.lastReply?.outcome.status]);
  }

  questionOf(reply) {
    return this.#messages[this.#messages.indexOf(reply) - 1];
  }

  /** What was said before `message`, as the AI SDK's messages. */
  before(message) {
    return this.#messages.slice(0, this.#messages.indexOf(message)).map((each) => each.asMessage);
  }

  /** Does the page show `messages`, the newest of a stored chat? What was not answered, or is edited, is left alone. */
  isUpTo(messages) {
    const told = this.#messages.filter(({ id }) => id).slice(-messages.length);
    const isSame = (message, place) => message.is(messages.at(place - told.length) ?? {});
    if (!this.lastReply?.id || this.#list.querySelector('[data-editing]')) return true;
    return messages.length > 0 && told.every(isSame);
  }

  /** Does a message stand above that of this id? */
  isBeyond(id) {
    return this.#placeOf(id) > 0;
  }

  withId(id) {
    return this.#messages.find((message) => message.id === id);
  }

  addQuestion(id, text, versions) {
    return this.#add(new Question(id, text, versions));
  }

  addReply(versions = []) {
    const reply = new Reply();
    reply.beside = versions;
    return this.#add(reply);
  }

  /**
   * Stored messages, as they were left; `wayOn` is offered where the last answer broke off or is missing. What stands
   * here already stays.
   */
  show({ messages, live }, wayOn) {
    const above = Math.max(this.#placeOf(messages[0]?.id), 0); // they were read before, and stay
    const isSame = (message, index) => this.#messages[above + index]?.is(message);
    const changed = messages.findIndex((message, index) => !isSame(message, index));
    this.cutFrom(this.#messages[above + (changed < 0 ? messages.length : changed)]);
    const added = messages.slice(this.#messages.length - above).map((message) => this.#add(made(message)));
    if (!this.lastReply) added.push(this.addReply().fail({}));
    for (const message of added) if (message !== this.lastReply) message.end?.();
    if (!live) this.lastReply.end(wayOn);
  }

  /** The stored message above the first one here. */
  showAbove(stored) {
    const message = made(stored);
    message.end?.();
    this.#messages.unshift(message);
    this.#list.prepend(measured(message.node));
  }

  /** Takes `message` and all after it off the page, and returns them for `putBack`. */
  cutFrom(message) {
    const place = this.#messages.indexOf(message);
    const cut = place < 0 ? [] : this.#messages.splice(place);
    for (const { node } of cut) node.remove();
    this.#messages.at(-1)?.node.setAttribute('data-last', '');
    this.#tell();
    return cut;
  }

  putBack(messages) {
    for (const message of messages) this.#add(message);
  }

  clear() {
    this.#messages = [];
    this.#list.replaceChildren(...(this.#isWaiting ? [this.#notice.node] : []));
  }

  /**
   * The notice after the last message; one that is to be waited out stays, also over a change of conversation, and its
   * wait, with what is to be done at its end, holds for the one after it. Returns the seconds to wait.
   */
  notify(detail, { retryAfter, onReady, ...options } = {}) {
    const wait = Math.max(retryAfter ?? 0, this.#notice?.secondsLeft ?? 0);
    const then = onReady ?? (this.#isWaiting ? this.#notice.onReady : null);
    const ready = () => {
      this.#tell();
      then?.();
    };
    this.#notice?.remove();
    this.#notice = new ErrorView(detail, { retryAfter: wait, onReady: ready, ...options });
    this.#list.append(this.#notice.node);
    this.#tell();
    return wait;
  }

  #placeOf(id) {
    return this.#messages.findIndex((message) => message.id === id);
  }

  get #isWaiting() {
    return this.#notice?.secondsLeft > 0;
  }

  // For the style sheets: `:has()` would be looked at again with every word that arrives.
  #tell() {
    document.body.toggleAttribute('data-waiting', this.#isWaiting);
    document.body.toggleAttribute('data-empty', this.isEmpty);
  }

  #add(message) {
    this.#messages.at(-1)?.node.removeAttribute('data-last');
    this.#messages.push(message);
    this.#list.append(measured(message.node));
    message.node.setAttribute('data-last', '');
    if (this.#isWaiting) this.#list.append(this.#notice.node);
    else this.#notice?.node.remove(); // but if it is due this moment, its end is still told
    this.#tell();
    return message;
  }
}

// Marks a node after it was laid out once.
function measured(node) {
  requestAnimationFrame(() => requestAnimationFrame(() => node.setAttribute('data-measured', '')));
  return node;
}

function made(message) {
  const { id, role, parts, metadata } = message;
  if (role === 'user') return new Question(id, parts.map(({ text }) => text).join(''), metadata.versions);
  const reply = new Reply();
  reply.restore(message);
  return reply;
}
