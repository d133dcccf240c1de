// One turn at a time: asks, follows the reply to its end, makes up for a restart, and stops.
import { endAnswering, say, startAnswering } from '../page/announcer.js';
import { ask, readChat, stopReply, Unreachable } from '../page/api.js';
import { words } from '../page/words.js';
import { followReply, reconnect } from './follow.js';
import { turnOf } from './turn.js';

const STOP_PATIENCE_S = 4; // then the page stops listening by itself

export class Asking {
  #page; // {transcript, composer, server}
  #place; // the conversation
  #refusals;
  #live = null; // the reply that runs: {reply, wanted, listening, revived, isAsked, stopped}

  constructor(page, place, refusals) {
    this.#page = page;
    this.#place = place;
    this.#refusals = refusals;
  }

  get isRunning() {
    return this.#live !== null;
  }

  /**
   * `wanted`: `{trigger, question}` and, of an edit, the `edited` id; of another answer, the id of the one there is,
   * `again`; of the rest of a cut one, that reply, `cut`; `versions` of the reply that is to come; `removed` messages,
   * which come back if this is refused. `revived`: it makes up for a restart.
   */
  async ask(wanted, { revived = false } = {}) {
    const { cut, versions } = wanted;
    const live = this.#begin(cut ?? this.#page.transcript.addReply(versions), { wanted, revived });
    cut?.goOn();
    try {
      await unless(live.listening.signal, this.#page.server.known); // who asks: two first requests would be two visitors
      live.isAsked = true;
      const response = await ask(turnOf(wanted, this.#place, this.#page), live.listening.signal);
      this.#place.begin();
      await this.#follow(live, response, cut ? 'cut' : 'start');
    } catch (error) {
      if (this.#live === live) await this.#onRefusal(live, error);
    }
  }

  /** Listens to a reply that was running when the chat was opened. */
  listenAgain(reply) {
    const live = this.#begin(reply, { isAsked: true });
    return this.#follow(live, reconnect(this.#place.chat, null, live.listening.signal, { atOnce: true }));
  }

  /**
   * Lets the last answer, which was cut off, go on where it ends on the server: the page may have seen less, or more.
   * `revived`: a restart cut it off, so wait until the server is back.
   */
  async goOn({ revived = false } = {}) {
    const { transcript } = this.#page;
    const { chat } = this.#place;
    const wanted = { trigger: 'go-on', question: transcript.lastQuestion, cut: transcript.lastReply };
    const live = this.#begin(wanted.cut, { wanted, revived });
    const { reply } = live;
    try {
      if (revived) (await reconnect(chat, null, live.listening.signal))?.body.cancel();
      const { messages, live: isElsewhere } = await readChat(chat);
      if (this.#live !== live) return;
      if (live.stopped) return this.#conclude(live);
      const last = messages.at(-1);
      if (isElsewhere || (reply.id && last.id !== reply.id)) return this.#place.open(chat);
      reply.restore(last);
      if (reply.isCut) await this.ask(wanted, { revived });
      else if (reply.outcome.status === 'complete') await this.#place.open(chat);
      else await this.#place.answerAgain(reply, { revived });
    } catch (error) {
      if (this.#live === live) await this.#onRefusal(live, error);
    }
  }

  stop() {
    const live = this.#live;
    if (!live) return;
    live.stopped = true;
    if (live.isAsked) stopReply(this.#place.chat).catch(() => {});
    setTimeout(() => live.listening.abort(), live.isAsked ? STOP_PATIENCE_S * 1000 : 0);
  }

  /** Leaves the reply alone: another chat is shown, or its question has come back. */
  leave(announcement = '') {
    if (this.#live?.isAsked) this.#page.composer.arrived(); // it is answered there, though nobody looks on
    this.#live?.listening.abort();
    this.#rest(announcement);
  }

  async #follow(live, response, from = 'start') {
    const { chat, temporary } = this.#place;
    const onChunk = (chunk, at) => live.reply.take(chunk, at);
    const onConnection = (state) => this.#page.server.showConnection(state);
    let wayOn = this.#place.wayOn;
    let heardItsEnd = true;
    try {
      const options = { onChunk, onConnection, from, signal: live.listening.signal };
      heardItsEnd = await followReply(chat, await response, options);
      if (!heardItsEnd && temporary) throw new Unreachable();
    } catch (error) {
      if (error.name === 'AbortError') live.reply.outcome.status = 'stopped';
      else live.reply.fail({ detail: error instanceof Unreachable ? words.connectionLost : error.message });
      if (!temporary) wayOn = { action: { label: words.reopen, run: () => this.#place.openAgain() } };
    }
    if (this.#live !== live) return;
    if (!heardItsEnd) {
      await this.#place.open(chat, { listening: false });
      if (this.#place.chat !== chat || this.#live) return;
    }
    const isInterrupted = !temporary && this.#page.transcript.lastReply?.outcome.status === 'interrupted';
    if (isInterrupted && !live.revived && !live.stopped) await this.goOn({ revived: true }); // but once
    else if (heardItsEnd) this.#conclude(live, wayOn);
  }

  /** Nothing was answered. From 500 on the question is stored and waits; below, or in a pause, it may come back. */
  async #onRefusal(live, error) {
    const { question, trigger, edited } = live.wanted;
    const unanswered = error instanceof Unreachable || error.name === 'AbortError';
    const mayBeStored = error.status === 409 || (unanswered && live.isAsked && trigger === 'submit-message');
    if (mayBeStored && (await this.#wasStored(question))) return;
    if (this.#live !== live) return;
    if (error.code === 'reply_running' && trigger === 'submit-message' && !edited) {
      this.#page.composer.giveBack(question.text); // another tab asks in this chat: show its answer, and then go on
      say(error.message);
      await this.#place.open(this.#place.chat);
    } else if (trigger === 'regenerate-message' && error.status === 404) {
      this.#page.transcript.cutFrom(live.reply); // the question was never stored: ask it as a new one
      await this.ask({ trigger: 'submit-message', question });
    } else if ((unanswered || error.code === 'paused' || error.status < 500) && this.#refusals.takeBack(live, error)) {
      this.leave();
      this.#page.server.refresh();
    } else {
      if (!unanswered) this.#place.begin();
      if (error.name === 'AbortError') live.reply.outcome.status = 'stopped';
      else live.reply.fail({ detail: error.message, retry_after: error.retryAfter });
      this.#conclude(live);
    }
  }

  // Our request may have arrived though its answer did not; some browsers then send it again by themselves (409).
  async #wasStored(question) {
    const { chat } = this.#place;
    const stored = await readChat(chat).catch(() => null);
    if (this.#place.chat !== chat || !stored?.messages.some(({ id }) => id === question.id)) return false;
    this.#place.begin();
    await this.#place.open(chat);
    return true;
  }

  #begin(reply, { wanted = null, revived = false, isAsked = false } = {}) {
    reply.pending = true;
    this.#live = { reply, wanted, revived, isAsked, stopped: false, listening: new AbortController() };
    this.#page.composer.set({ busy: true });
    startAnswering();
    return this.#live;
  }

  #conclude(live, wayOn = this.#place.wayOn) {
    const { server } = this.#page;
    const said = live.reply.end(wayOn);
    const { allowance } = live.reply.outcome;
    this.#rest([said, allowance && server.showAllowance(allowance)].filter(Boolean).join(' '));
    if (!allowance) server.refresh(); // stopped or failed: it has cost something all the same, or there is a pause
    this.#place.noteChange();
  }

  #rest(announcement) {
    this.#live = null;
    this.#page.composer.set({ busy: false });
    endAnswering(announcement);
  }
}

// What `promise` gives, unless the signal says stop before.
function unless(signal, promise) {
  const stopped = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  return Promise.race([promise, stopped]);
}
