// The list of messages on the page, in order, and the notice that may stand after them.
import { ErrorView } from '../page/error-view.js';
import { Question, Reply } from './message.js';

export class Transcript {
  #list;
  #messages = [];
  #notice = null;

  constructor(list) {
    this.#list = list;
  }

  get lastQuestion() {
    return this.#messages.findLast((message) => message instanceof Question);
  }

  get lastReply() {
    const last = this.#messages.at(-1);
    return last instanceof Reply ? last : null;
  }

  addQuestion(id, text) {
    return this.#add(new Question(id, text));
  }

  addReply() {
    return this.#add(new Reply());
  }

  /** Stored messages, as they were left; `wayOn` is offered where the last answer broke off or is missing. */
  show({ messages, live }, wayOn) {
    this.clear();
    for (const message of messages) {
      if (message.role === 'user') this.addQuestion(message.id, message.parts.map(({ text }) => text).join(''));
      else this.addReply().restore(message);
    }
    if (!this.lastReply) this.addReply().fail({});
    for (const reply of this.#messages.filter((message) => message instanceof Reply)) {
      if (reply !== this.lastReply) reply.end();
      else if (!live) reply.end(wayOn);
    }
  }

  remove(message) {
    message?.node.remove();
    this.#messages = this.#messages.filter((other) => other !== message);
  }

  clear() {
    this.#messages = [];
    this.#list.replaceChildren(...(this.#notice?.isWaiting ? [this.#notice.node] : []));
  }

  /** The notice after the last message; one that is to be waited out stays, also over a change of conversation. */
  notify(detail, options) {
    this.#notice?.node.remove();
    this.#notice = new ErrorView(detail, options);
    this.#list.append(this.#notice.node);
  }

  #add(message) {
    this.#messages.push(message);
    this.#list.append(message.node);
    if (this.#notice?.isWaiting) this.#list.append(this.#notice.node);
    else this.#notice?.node.remove();
    return message;
  }
}
