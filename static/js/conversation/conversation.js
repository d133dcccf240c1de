// The conversation that the page shows: opens it, and what a visitor does in it: asks, edits, asks again, reads versions.
import { goTo, nameChat } from '../page/address.js';
import { say } from '../page/announcer.js';
import { readChat } from '../page/api.js';
import { part } from '../page/dom.js';
import { newId } from '../page/ids.js';
import { words } from '../page/words.js';
import { holdsKey } from '../composer/key-shape.js';
import { Asking } from './asking.js';
import { Reading } from './reading.js';
import { Refusals } from './refusals.js';

export class Conversation {
  chat = null; // its id
  temporary = false; // the server keeps nothing of it
  #page; // {transcript, earlier, composer, follower, server, returnFocus(), startOver(), onChange(chat)}
  #asking;
  #reading;
  #refusals;
  #begun = false; // the server knows this chat
  #underWay = null; // it is being read, in this or another version: whatever is asked waits
  #changes = 0; // how often what it shows may have become other than before
  #isToLook = false; // when the answer under way has ended

  constructor(page) {
    this.#page = page;
    this.#refusals = new Refusals(page, this);
    this.#asking = new Asking(page, this, this.#refusals);
    this.#reading = new Reading(page, this, this.#asking);
  }

  /** Shows the stored conversation `chat`, or for null the page of one not yet begun. */
  open(chat, { listening = true, temporary = false, reading } = {}) {
    const { transcript, composer, earlier } = this.#page;
    const isSame = chat === this.chat && this.#begun;
    const isSwitched = this.chat && !this.#begun && chat === null && temporary !== this.temporary;
    const isUnasked = this.#asking.isRunning;
    if (this.chat) this.#asking.leave(); // at first there is nothing to leave, but a question may wait already
    this.#refusals.forget();
    if (isSwitched) composer.moveTo(temporary ? undefined : null, isUnasked); // what is typed goes along
    else if (this.chat && !isSame) composer.open(temporary ? undefined : chat);
    this.#changes += 1;
    this.chat = chat ?? newId();
    this.#begun = chat !== null;
    this.temporary = temporary;
    if (!isSame) {
      nameChat(null);
      transcript.clear();
      earlier.open(null);
      this.#page.follower.follow();
    }
    document.body.toggleAttribute('data-empty', !this.#begun && transcript.isEmpty);
    document.body.toggleAttribute('data-temporary', temporary);
    this.#page.onChange({ id: chat, temporary });
    return this.#read(this.#begun ? this.#reading.load(chat, { listening, reading }) : null);
  }

  /** Another tab has changed this chat: it is shown as it is now. */
  async lookAgain() {
    await this.#underWay;
    const chat = this.keptChat;
    if (!chat || this.#isBusy) return;
    const changes = this.#changes;
    this.#isToLook = false;
    const reading = readChat(chat);
    const isOld = await this.#reading.isOld(reading);
    if (!isOld || chat !== this.keptChat) return;
    if (this.#isBusy) this.#isToLook = true;
    else await this.open(chat, changes === this.#changes ? { reading } : {}); // what was read may be older than the page
  }

  openAgain() {
    this.#page.returnFocus();
    return this.open(this.chat);
  }

  /** The chat that the page's address should name: null for one that is new, or temporary. */
  get keptChat() {
    return this.#begun && !this.temporary ? this.chat : null;
  }

  async send(text) {
    const { chat } = this;
    const { transcript, composer } = this.#page;
    if (this.#underWay) await this.#underWay;
    if (this.chat !== chat) return; // it is a draft there
    if (this.#asking.isRunning) return composer.giveBack(text); // an answer was found under way
    const question = transcript.addQuestion(this.#refusals.idFor(text), text);
    await this.#ask({ trigger: 'submit-message', question });
  }

  editLast() {
    const question = this.#page.transcript.lastQuestion;
    if (question) this.edit(question);
  }

  /** Opens a box in place of `question`; what it sends is another version. `text`: what was to be sent before. */
  edit(question, text = null) {
    if (this.#isBusy) return null;
    const mayGo = () => !this.#isBusy && this.#page.composer.mayGo;
    const onSend = (edited) => this.#sendEdited(question, edited);
    const onLeave = () => {
      part(question.node, 'edit').focus({ preventScroll: true });
      this.#page.returnFocus();
    };
    return question.edit({ text, isKept: !this.temporary, mayGo, onSend, onLeave });
  }

  /** Has the question of `reply` answered again; what was said after it belongs to the old version. */
  answerAgain(reply = this.#page.transcript.lastReply, { revived = false } = {}) {
    const { transcript, composer } = this.#page;
    const question = transcript.questionOf(reply);
    if (holdsKey(question.text)) return composer.refuseKey(question.text);
    const removed = transcript.cutFrom(reply);
    const versions = reply.id && !this.temporary ? beside(reply) : [];
    const again = reply.id ?? undefined;
    return this.#ask({ trigger: 'regenerate-message', question, again, versions, removed }, { revived });
  }

  goOn() {
    this.#returnToEnd();
    return this.#asking.goOn();
  }

  stop() {
    if (this.#asking.isRunning) this.#page.returnFocus();
    this.#asking.stop();
  }

  /** One of a message's buttons was pressed. */
  act(name, message, button) {
    if (this.#isBusy) return;
    if (name === 'edit') this.edit(message);
    else if (name === 'again') this.answerAgain(message);
    else if (name === 'go-on') this.goOn();
    else if (name === 'older' || name === 'newer') this.#read(this.#reading.choose(message, name, button));
  }

  /** A reply has begun, so the server knows the chat. Not before: a refused text names nothing. */
  begin() {
    this.#page.composer.arrived();
    if (this.#begun) return;
    this.#begun = true;
    if (this.temporary) return;
    const title = this.#page.transcript.lastQuestion.text;
    nameChat(title);
    this.#page.composer.moveTo(this.chat);
    goTo(this.chat);
    this.#page.onChange({ id: this.chat, title, temporary: false });
  }

  /** A reply has ended, or another version is read. */
  noteChange() {
    this.#changes += 1;
    if (this.#begun && !this.temporary) this.#page.onChange({ id: this.chat, temporary: false, changed: true });
    if (this.#isToLook) this.lookAgain();
  }

  /** What is offered under an answer that is not whole. */
  get wayOn() {
    const action = { label: words.retry, run: () => this.answerAgain() };
    return { action, goesOn: !this.temporary, onReady: () => say(words.canRetry) };
  }

  #ask(wanted, options) {
    this.#returnToEnd();
    return this.#asking.ask(wanted, options);
  }

  #returnToEnd() {
    this.#page.returnFocus();
    this.#page.follower.follow();
  }

  #sendEdited(old, text) {
    const { transcript } = this.#page;
    const id = newId();
    const versions = this.temporary ? [] : [...beside(old), id];
    const removed = transcript.cutFrom(old);
    const question = transcript.addQuestion(id, text, versions);
    return this.#ask({ trigger: 'submit-message', question, edited: old.id, removed });
  }

  get #isBusy() {
    return this.#asking.isRunning || this.#underWay !== null;
  }

  async #read(work) {
    const reading = (this.#underWay = work);
    await reading;
    if (this.#underWay === reading) this.#underWay = null;
  }
}

// The ids of the versions of a message, itself among them.
function beside(message) {
  return message.beside.length ? message.beside : [message.id];
}
