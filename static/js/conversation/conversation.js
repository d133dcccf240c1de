// One conversation at a time: opens it, sends, stops, tries again, and decides what a refusal means for the draft.
import { goTo, nameChat } from '../page/address.js';
import { ask, listen, readChat, stopReply, Unreachable } from '../page/api.js';
import { followReply, reconnect } from './follow.js';
import { newId } from '../page/ids.js';
import { holdsKey } from '../composer/key-shape.js';
import { words } from '../page/words.js';

const STOP_PATIENCE_S = 4; // then the page stops listening by itself

export class Conversation {
  #page; // {transcript, composer, announcer, follower, server}
  #chat = null;
  #begun = false; // the server knows this chat
  #live = null; // the reply that runs: {reply, listening}
  #givenBack = null; // a question that came back: sent again unchanged, it keeps its id

  get chat() {
    return this.#chat;
  }

  constructor(page) {
    this.#page = page;
  }

  /** Shows the stored conversation `chat`, or for null the page of one not yet begun. */
  open(chat, { listening = true } = {}) {
    const { transcript, composer } = this.#page;
    this.#live?.listening.abort();
    this.#rest('');
    this.#chat = chat ?? newId();
    this.#begun = chat !== null;
    this.#givenBack = null;
    document.body.toggleAttribute('data-opening', this.#begun); // keeps the welcome away meanwhile
    nameChat(null);
    transcript.clear();
    composer.open(chat);
    return this.#begun && this.#load(chat, listening);
  }

  send(text) {
    const { transcript, composer, follower } = this.#page;
    const id = this.#givenBack?.text === text ? this.#givenBack.id : newId();
    this.#givenBack = null;
    const question = transcript.addQuestion(id, text);
    composer.focus();
    follower.follow();
    return this.#take('submit-message', question);
  }

  /** Asks for the last answer again, in place of the one that failed. `revived`: after a restart of the server. */
  retry({ revived = false } = {}) {
    const { transcript, composer, follower } = this.#page;
    const question = transcript.lastQuestion;
    if (holdsKey(question.text)) return composer.refuseKey(question.text);
    transcript.remove(transcript.lastReply);
    composer.focus();
    follower.follow();
    return this.#take('regenerate-message', question, { revived });
  }

  /** Lets the last answer, which was cut off, go on where it ends on the server: the page may have seen less, or more. */
  async goOn({ revived = false } = {}) {
    const { transcript, composer, follower } = this.#page;
    const chat = this.#chat;
    const question = transcript.lastQuestion;
    const live = this.#begin(transcript.lastReply, revived);
    const { reply } = live;
    composer.focus();
    follower.follow();
    try {
      const { messages, live: isElsewhere } = await readChat(chat);
      if (this.#live !== live) return;
      if (live.stopped) return this.#conclude(live);
      if (isElsewhere || messages.at(-1).id !== (reply.id ?? messages.at(-1).id)) return this.open(chat);
      reply.restore(messages.at(-1));
      if (reply.isCut) await this.#take('go-on', question, { cut: reply, revived });
      else if (reply.outcome.status === 'complete') await this.open(chat);
      else await this.retry({ revived });
    } catch (error) {
      if (this.#live === live) await this.#onRefusal(live, error, 'go-on', question);
    }
  }

  stop() {
    const live = this.#live;
    if (!live) return;
    live.stopped = true;
    this.#page.composer.focus();
    stopReply(this.#chat).catch(() => {});
    setTimeout(() => live.listening.abort(), STOP_PATIENCE_S * 1000);
  }

  async #load(chat, listening) {
    const { transcript, follower } = this.#page;
    try {
      const stored = await readChat(chat);
      if (this.#chat !== chat || this.#live) return;
      nameChat(stored.title);
      transcript.show(stored, this.#wayOn);
      follower.follow();
      if (!stored.live || !listening) return;
      const live = this.#begin(transcript.lastReply ?? transcript.addReply());
      await this.#follow(live, await listen(chat, null, live.listening.signal));
    } catch (error) {
      if (this.#chat === chat && error.name !== 'AbortError') this.#showUnopened(error);
    }
  }

  /** `cut`: the answer that goes on; without one there is a new one. */
  async #take(trigger, question, { cut = null, revived = false } = {}) {
    const live = this.#begin(cut ?? this.#page.transcript.addReply(), revived);
    cut?.goOn();
    const message = { id: question.id, role: 'user', parts: [{ type: 'text', text: question.text }] };
    const newest = cut ? { id: cut.id, role: 'assistant', parts: [] } : message;
    const known = cut ? 'submit-message' : trigger; // the protocol's: a list that ends with an answer asks for its rest
    const turn = { id: this.#chat, trigger: known, messages: [newest], ...this.#page.server.chosenModel };
    try {
      const response = await ask(turn, live.listening.signal);
      this.#noteBegun();
      await this.#follow(live, response, cut ? 'cut' : 'start');
    } catch (error) {
      if (this.#live === live) await this.#onRefusal(live, error, trigger, question);
    }
  }

  async #follow(live, response, from = 'start') {
    const chat = this.#chat;
    const onChunk = (chunk, at) => live.reply.take(chunk, at);
    const onBreak = () => this.#page.announcer.say(words.reconnecting);
    let wayOn = this.#wayOn;
    let heardItsEnd = true;
    try {
      heardItsEnd = await followReply(chat, response, { onChunk, onBreak, from, signal: live.listening.signal });
    } catch (error) {
      if (error.name === 'AbortError') live.reply.outcome.status = 'stopped';
      else live.reply.fail({ detail: error instanceof Unreachable ? words.connectionLost : error.message });
      wayOn = { action: { label: words.reopen, run: () => this.open(chat) } };
    }
    if (this.#live !== live) return;
    if (heardItsEnd && live.reply.outcome.status !== 'interrupted') return this.#conclude(live, wayOn);
    if (!heardItsEnd) {
      await this.open(chat, { listening: false });
      if (this.#chat !== chat || this.#live) return;
    }
    const { lastReply } = this.#page.transcript;
    if (lastReply?.outcome.status === 'interrupted' && !live.revived && !live.stopped) await this.#revive(chat, lastReply);
    else if (heardItsEnd) this.#conclude(live, wayOn);
  }

  /** The server was restarted under a reply: once it is back, ask for the rest; once, for it may be the cause. */
  async #revive(chat, reply) {
    const live = this.#begin(reply);
    try {
      const elsewhere = await reconnect(chat, null, live.listening.signal);
      elsewhere?.body.cancel();
      if (this.#live !== live) return;
      if (live.stopped) return this.#conclude(live);
      await this.goOn({ revived: true });
    } catch {
      if (this.#live === live) this.#conclude(live);
    }
  }

  #begin(reply, revived = false) {
    reply.pending = true;
    this.#live = { reply, revived, listening: new AbortController() };
    this.#page.composer.set({ busy: true });
    this.#page.announcer.startAnswering();
    return this.#live;
  }

  #conclude(live, wayOn = this.#wayOn) {
    const { server } = this.#page;
    const said = live.reply.end(wayOn);
    const { allowance } = live.reply.outcome;
    this.#rest([said, allowance && server.showAllowance(allowance)].filter(Boolean).join(' '));
    if (!allowance) server.refresh(); // stopped or failed: it has cost something all the same, or there is a pause
  }

  #rest(announcement) {
    this.#live = null;
    this.#page.composer.set({ busy: false });
    this.#page.announcer.endAnswering(announcement);
  }

  /** Nothing was answered. From 500 on the question is stored and waits; below, or in a pause, it is a draft again. */
  async #onRefusal(live, error, trigger, question) {
    const { transcript, composer, server } = this.#page;
    const offline = error instanceof Unreachable;
    if ((offline || error.status === 409) && (await this.#wasStored(question))) return;
    if (this.#live !== live) return;
    if (trigger === 'regenerate-message' && error.status === 404) {
      transcript.remove(transcript.lastReply); // the question was never stored: ask it as a new one
      await this.#take('submit-message', question);
    } else if (trigger === 'submit-message' && (offline || error.code === 'paused' || error.status < 500)) {
      this.#takeBack(question);
      if (error.code === 'contains_key') composer.refuseKey(question.text, error.message);
      else this.#giveBack(question, error);
      server.refresh();
    } else {
      if (!offline) this.#noteBegun();
      if (error.name === 'AbortError') live.reply.outcome.status = 'stopped';
      else live.reply.fail({ detail: error.message, retry_after: error.retryAfter });
      this.#conclude(live);
    }
  }

  #takeBack(question) {
    const { transcript } = this.#page;
    transcript.remove(transcript.lastReply);
    transcript.remove(question);
    this.#givenBack = question;
    this.#rest('');
  }

  #giveBack(question, error) {
    const { transcript, composer, announcer, server } = this.#page;
    const { code, retryAfter } = error;
    const detail = error instanceof Unreachable ? words.offline : error.message;
    const onReady = () => {
      composer.set({ blocked: false });
      announcer.say(words.canSendAgain);
    };
    composer.giveBack(question.text);
    if (code === 'paused') return server.pause(retryAfter);
    announcer.say(detail);
    composer.set({ blocked: retryAfter > 0 });
    transcript.notify(detail, { retryAfter, onReady });
  }

  // Our request may have arrived though its answer did not; some browsers then send it again by themselves (409).
  async #wasStored(question) {
    const chat = this.#chat;
    const stored = await readChat(chat).catch(() => null);
    if (this.#chat !== chat || !stored?.messages.some(({ id }) => id === question.id)) return false;
    this.#noteBegun();
    await this.open(chat);
    return true;
  }

  #noteBegun() {
    if (this.#begun) return;
    this.#begun = true;
    nameChat(this.#page.transcript.lastQuestion.text); // not before: a refused text names nothing
    this.#page.composer.moveTo(this.#chat);
    goTo(this.#chat);
  }

  #showUnopened(error) {
    const missing = error.status === 404;
    const action = missing
      ? { label: words.startOver, run: () => this.#page.startOver() }
      : { label: words.reopen, run: () => this.open(this.#chat) };
    const detail = missing ? words.notFound : error.message;
    this.#rest(detail);
    this.#page.transcript.clear();
    this.#page.transcript.notify(detail, { action });
  }

  get #wayOn() {
    const action = { label: words.retry, run: () => this.retry() };
    return { action, onReady: () => this.#page.announcer.say(words.canRetry) };
  }
}
