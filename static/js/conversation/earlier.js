// The messages above those on the page: a long chat shows its newest first, and more as the reader scrolls up.
import { say } from '../page/announcer.js';
import { readChat } from '../page/api.js';
import { words } from '../page/words.js';

const AT_FIRST = 30; // messages
const WORK_MS = 8; // of a frame, for as many messages as it allows
const AHEAD = '2000px 0px 0px'; // more is there before the reader is

export class Earlier {
  #node;
  #transcript;
  #watcher = new IntersectionObserver((seen) => this.#onSight(seen), { rootMargin: AHEAD });
  #chat = null; // as it was read: {id, messages, earlier}
  #above = 0; // of its messages are not on the page

  /** `node`, a button above the messages, says that there are more; it presses itself as it comes near. */
  constructor(node, transcript) {
    this.#node = node;
    node.addEventListener('click', () => this.#add());
    this.#transcript = transcript;
  }

  /**
   * The chat as it was read (null: a new one), with those of its messages that are shown at once, `wanted` among them.
   * If the page goes up beyond its first message, all of them are, and what is still above stays as it was read before.
   */
  open(chat, wanted = null) {
    const messages = chat?.messages ?? [];
    if (this.#transcript.isBeyond(messages[0]?.id)) return chat;
    const place = (id) => messages.findIndex((message) => message.id === id);
    const first = place(this.#transcript.first?.id);
    const least = first >= 0 ? first : Math.max(messages.length - AT_FIRST, 0);
    this.#chat = chat;
    this.#above = place(wanted) < 0 ? least : Math.min(least, place(wanted));
    this.#watch();
    return { ...chat, messages: messages.slice(this.#above) };
  }

  #watch() {
    this.#node.hidden = !(this.#above || this.#chat?.earlier);
    this.#watcher.disconnect();
    if (!this.#node.hidden) this.#watcher.observe(this.#node);
  }

  #onSight(seen) {
    if (seen.some(({ isIntersecting }) => isIntersecting)) this.#add();
  }

  async #add() {
    const chat = this.#chat;
    this.#watcher.disconnect();
    if (!this.#above) {
      const read = await readChat(chat.id, this.#transcript.first.id).catch(() => null);
      if (this.#chat !== chat) return;
      if (!read) return say((this.#node.textContent = `${words.unreachable} ${words.earlier}`));
      this.#node.textContent = words.earlier;
      this.#chat = read;
      this.#above = read.messages.length;
    }
    this.#keepingPlace(() => {
      const until = performance.now() + WORK_MS;
      while (this.#above && performance.now() < until) this.#transcript.showAbove(this.#chat.messages[--this.#above]);
    });
    this.#watch();
  }

  // Some browsers hold the reader's place by themselves, but not at the very top, and others do not: only one may.
  #keepingPlace(work) {
    const { style } = document.documentElement;
    const { node } = this.#transcript.first;
    const { top } = node.getBoundingClientRect();
    style.overflowAnchor = 'none';
    work();
    window.scrollBy({ top: node.getBoundingClientRect().top - top, behavior: 'instant' });
    requestAnimationFrame(() => requestAnimationFrame(() => (style.overflowAnchor = '')));
  }
}
