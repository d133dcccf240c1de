// Reads a stored chat onto the page, in the version that is wanted, or says why it cannot be read.
import { nameChat } from '../page/address.js';
import { say } from '../page/announcer.js';
import { changeChat, readChat, Unreachable } from '../page/api.js';
import { part } from '../page/dom.js';
import { words } from '../page/words.js';

export class Reading {
  #page; // as of the conversation
  #conversation;
  #asking;

  constructor(page, conversation, asking) {
    this.#page = page;
    this.#conversation = conversation;
    this.#asking = asking;
  }

  /** Shows `chat`; `listening`: also to its answer, if one is under way; `reading`: it is being read already. */
  async load(chat, { listening, reading = readChat(chat) }) {
    const { transcript, composer, server } = this.#page;
    try {
      const stored = await reading;
      if (this.#conversation.chat !== chat) return;
      nameChat(stored.title);
      this.#page.onChange({ id: chat, title: stored.title, temporary: false });
      this.#show(stored);
      composer.arrived(transcript.lastQuestion?.text); // the page was left while it was sent
      server.chooseModel(transcript.lastReply?.outcome.model);
      if (!stored.live) say(stored.title);
      if (stored.live && listening) this.#asking.listenAgain(transcript.lastReply ?? transcript.addReply());
    } catch (error) {
      if (this.#conversation.chat === chat && error.name !== 'AbortError') this.#showUnopened(error);
    }
  }

  /** Does what is being read show that another tab has changed the chat? */
  async isOld(reading) {
    const stored = await reading.catch(({ status }) => status === 404 && { messages: [] });
    return stored && !this.#page.transcript.isUpTo(stored.messages);
  }

  /** Shows the version that stands one before (`name` is 'older') or after `message`; `button` keeps its place. */
  async choose(message, name, button) {
    const { transcript, follower } = this.#page;
    const { chat } = this.#conversation;
    const version = message.beside[message.beside.indexOf(message.id) + (name === 'older' ? -1 : 1)];
    const { top } = button.getBoundingClientRect();
    try {
      const stored = await changeChat(chat, { head: version });
      if (this.#conversation.chat !== chat) return;
      follower.stay();
      this.#show(stored, version);
      const { node } = transcript.withId(version) ?? transcript.first;
      const [same, other] = [name, name === 'older' ? 'newer' : 'older'].map((each) => part(node, each));
      (same.disabled ? other : same).focus({ preventScroll: true });
      window.scrollBy({ top: same.getBoundingClientRect().top - top, behavior: 'instant' });
      say(part(node, 'place').textContent);
      this.#conversation.noteChange();
    } catch (error) {
      if (this.#conversation.chat !== chat) return;
      say(error.message);
      transcript.notify(error.message);
    }
  }

  #show(stored, wanted) {
    this.#page.transcript.show(this.#page.earlier.open(stored, wanted), this.#conversation.wayOn);
  }

  #showUnopened(error) {
    const { transcript } = this.#page;
    const missing = error.status === 404;
    const action = missing
      ? { label: words.startOver, run: () => this.#page.startOver() }
      : { label: words.reopen, run: () => this.#conversation.openAgain() };
    const detail = missing ? words.notFound : error instanceof Unreachable ? words.unreachable : error.message;
    this.#asking.leave(detail);
    transcript.clear();
    transcript.notify(detail, { action });
  }
}
