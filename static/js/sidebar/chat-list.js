// A list of chats by days, the newest first: all of them, or those that hold what is searched for. Read in pages.
import { say } from '../page/announcer.js';
import { listChats } from '../page/api.js';
import { copyTemplate, part } from '../page/dom.js';
import { words } from '../page/words.js';
import { ChatItem } from './chat-item.js';
import { dayNamer } from './days.js';

const AHEAD = '600px'; // the next page is read before its place is seen

export class ChatList {
  node = copyTemplate('chat-list');
  isRead = false;
  #days = part(this.node, 'days');
  #end = part(this.node, 'end');
  #query;
  #isGone;
  #items = new Map(); // by the chat's id
  #sections = new Map(); // by day
  #before = null; // where the next page begins
  #reading = null;
  #current = null;
  #observer;

  /** `isGone(id)`: this chat is not to be shown. */
  constructor(scroller, query, isGone) {
    this.#query = query;
    this.#isGone = isGone;
    const onSight = (seen) => seen.some(({ isIntersecting }) => isIntersecting) && this.#readOn();
    this.#observer = new IntersectionObserver(onSight, { root: scroller, rootMargin: AHEAD });
    part(this.#end, 'again').addEventListener('click', () => this.read(this.#before));
  }

  get count() {
    return this.#items.size;
  }

  get hasMore() {
    return this.#before !== null;
  }

  item(id) {
    return this.#items.get(id);
  }

  /** The item in which the element `target` stands. */
  itemAt(target) {
    return this.item(target.closest('[data-chat]')?.dataset.chat);
  }

  /** Is an answer under way in any chat but this one? */
  isLiveBeside(id) {
    return [...this.#items.values()].some(({ chat }) => chat.live && chat.id !== id);
  }

  /** Reads the newest chats, again where they were read before; or those of the page that begins at `before`. */
  async read(before = null) {
    this.stop();
    const { signal } = (this.#reading = new AbortController());
    const isMore = before || !this.isRead;
    if (isMore) this.#tell({ isLoading: true });
    try {
      const page = await listChats({ q: this.#query, before }, signal);
      this.#reading = null;
      this.#take(page, before);
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.#reading = null;
      if (!isMore) return this.#settle(); // what was read stands
      say(error.message);
      this.#tell({ text: error.message, canRetry: true });
    }
  }

  /** Nothing that is being read arrives any more. */
  stop() {
    this.#reading?.abort();
    this.#reading = null;
  }

  rename(id, title) {
    const item = this.item(id);
    item?.show({ ...item.chat, title });
  }

  /** `current`: the chat that the page shows. */
  render(current = this.#current) {
    this.#current = current;
    const focused = document.activeElement;
    const items = [...this.#items.values()].filter(({ chat }) => !this.#isGone(chat.id)).sort(byAge);
    const nameDay = dayNamer();
    const days = Map.groupBy(items, ({ chat }) => nameDay(chat.updated_at));
    for (const item of items) item.isCurrent = item.chat.id === current;
    arrange(this.#days, [...days].map(([day, listed]) => this.#section(day, listed)));
    const wasMoved = focused !== document.activeElement && this.node.contains(focused);
    if (wasMoved) focused.focus({ preventScroll: true });
    const none = this.#query ? words.nothingFound : words.noChats;
    if (this.isRead && !this.#reading) this.#tell({ text: items.length ? '' : none });
  }

  #readOn() {
    if (this.hasMore && !this.#reading) this.read(this.#before);
  }

  #take({ chats, before: next }, asked) {
    if (!asked) this.#forget(chats, next);
    if (asked || !this.isRead) this.#before = next;
    for (const chat of chats) {
      if (this.item(chat.id)) this.item(chat.id).show(chat);
      else this.#items.set(chat.id, new ChatItem(chat, this.#query));
    }
    this.isRead = true;
    this.#settle();
  }

  #settle() {
    this.render();
    this.#observer.unobserve(this.#end); // so that it tells again if the end is still near
    this.#observer.observe(this.#end);
  }

  // What the newest page should have and has not was deleted elsewhere; if it has nothing known, there is a gap below.
  #forget(chats, next) {
    const listed = new Set(chats.map(({ id }) => id));
    const oldest = next ? chats.at(-1).updated_at : -Infinity;
    const isGap = next && !chats.some(({ id }) => this.#items.has(id));
    for (const [id, { chat }] of this.#items) {
      if (isGap || (chat.updated_at > oldest && !listed.has(id))) this.#items.delete(id);
    }
    if (isGap || !next) this.#before = next;
  }

  #section(day, items) {
    if (!this.#sections.has(day)) this.#sections.set(day, copyTemplate('chat-day'));
    const section = this.#sections.get(day);
    part(section, 'day').textContent = day;
    section.style.setProperty('--items', items.length);
    arrange(part(section, 'items'), items.map(({ node }) => node));
    return section;
  }

  #tell({ isLoading = false, text = '', canRetry = false }) {
    part(this.#end, 'skeleton').hidden = !isLoading;
    part(this.#end, 'told').textContent = text;
    part(this.#end, 'again').hidden = !canRetry;
  }
}

function byAge({ chat: a }, { chat: b }) {
  return b.updated_at - a.updated_at || (a.id < b.id ? 1 : -1);
}

/** Makes `nodes` the children of `parent`, and moves none that is in its place. */
function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const node of nodes) {
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
}
