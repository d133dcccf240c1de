// The list of the visitor's chats beside the conversation: what is listed, searched, opened, renamed and deleted.
import { opensElsewhere } from '../page/address.js';
import { say } from '../page/announcer.js';
import { changeChat } from '../page/api.js';
import { part } from '../page/dom.js';
import { words } from '../page/words.js';
import { ChatList } from './chat-list.js';
import { ChatMenu } from './chat-menu.js';
import { Deletions } from './deletions.js';
import { Panel } from './panel.js';
import { SearchBox } from './search-box.js';
import { editTitle } from './title-editor.js';

const SOON_MS = 300; // the conversation is read first
const AGAIN_MS = 5000; // while the server may have more to tell

export class Sidebar {
  #node;
  #tell; // {onOpen, onGone, onRenamed}
  #panel;
  #search;
  #menu;
  #deletions;
  #all; // the list of all chats,
  #found = null; // and of those in which a search found its words
  #searching = null; // what will be #found
  #shown = { id: null, title: null };
  #isBeingNamed = false; // perhaps, by a model that begins when an answer has ended
  #timer = 0;

  /**
   * `onOpen(chat)`: a chat was chosen; `onGone(chat)`: it was deleted here; `onRenamed(chat, title, isNews)`: it has
   * another title, `isNews` to other tabs as well.
   */
  constructor(node, tell) {
    this.#node = node;
    this.#tell = tell;
    this.#deletions = new Deletions(part(node, 'toasts'), {
      onChange: () => this.#render(),
      onUndone: (chat) => this.#bringBack(chat),
      onSent: ({ id }) => tell.onGone(id),
    });
    this.#all = this.#makeList('');
    this.#render();
    this.#menu = new ChatMenu(part(node, 'chat-menu'), {
      rename: (item) => this.#rename(item),
      delete: (item) => this.#delete(item),
    });
    this.#search = new SearchBox(part(node, 'search'), {
      onSearch: (query) => this.#find(query),
      onLeave: () => this.#panel.leave(),
    });
    this.#panel = new Panel(node, () => this.refreshSoon());
    this.#listen();
  }

  /**
   * The page shows this chat now: `{id, title, temporary}`; `id` null: one not yet begun. `changed`: an answer in it
   * has ended, or another version was chosen.
   */
  show({ id, title, changed = false }) {
    const isOther = id !== this.#shown.id;
    if (isOther) this.#panel.closeDrawer();
    this.#deletions.keep(id);
    this.#panel.update(); // the visitor may have forgotten all choices
    this.#shown = { id, title: title ?? (isOther ? null : this.#shown.title) };
    this.#render();
    if (isOther || changed) this.#refreshIn((this.#isBeingNamed = changed) ? 0 : SOON_MS);
  }

  toggle() {
    this.#panel.toggle();
  }

  focusSearch() {
    this.#panel.open();
    this.#search.focus();
  }

  /** All chats were deleted: what was found or can be undone is gone as well. */
  startOver() {
    this.#deletions.forget();
    this.#search.clear();
    return this.refresh();
  }

  /** Reads the newest chats again. */
  async refresh() {
    if (!this.#panel.wasOpen) return;
    clearTimeout(this.#timer);
    await this.#all.read();
    const { id, title } = this.#shown;
    const named = this.#all.item(id)?.chat.title ?? title;
    if (named !== title) this.#tell.onRenamed(id, (this.#shown.title = named), title !== null);
    if (this.#all.isLiveBeside(id) || this.#isBeingNamed) this.#refreshIn(AGAIN_MS);
  }

  /** The same, once for all that happens at about one time. */
  refreshSoon() {
    this.#refreshIn(SOON_MS);
  }

  #refreshIn(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (delay === AGAIN_MS) this.#isBeingNamed = false; // else the wait goes on
      this.refresh();
    }, delay);
  }

  get #list() {
    return this.#found ?? this.#all;
  }

  get #links() {
    return [...this.#list.node.querySelectorAll('.chat-link')];
  }

  #makeList(query) {
    const isGone = (id) => this.#deletions.isGone(id);
    return new ChatList(part(this.#node, 'lists'), query, isGone);
  }

  #render() {
    for (const list of [this.#all, this.#found]) list?.render(this.#shown.id);
    if (!this.#list.node.isConnected) part(this.#node, 'lists').replaceChildren(this.#list.node);
  }

  #listen() {
    this.#node.addEventListener('click', (event) => this.#onClick(event));
    this.#node.addEventListener('keydown', (event) => this.#onKey(event));
    // To scroll here is not to read upwards in the conversation.
    for (const name of ['wheel', 'touchmove']) {
      this.#node.addEventListener(name, (event) => event.stopPropagation(), { passive: true });
    }
    document.addEventListener('visibilitychange', () => document.hidden || this.refresh());
    window.addEventListener('online', () => this.refresh());
  }

  #onClick(event) {
    const { target } = event;
    const item = this.#list.itemAt(target);
    if (target.closest('[data-part="open-menu"]')) return event.detail > 1 || this.#menu.toggle(item);
    if (opensElsewhere(event)) return;
    if (target.closest('[data-action="newChat"]')) return this.#panel.closeDrawer();
    if (!target.closest('.chat-link')) return;
    event.preventDefault();
    this.#panel.closeDrawer();
    if (item.chat.id !== this.#shown.id) this.#tell.onOpen(item.chat.id);
  }

  // Up and down lead from the search box through the chats and back.
  #onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const stops = [this.#search.field, ...this.#links];
    const place = stops.indexOf(event.target);
    if (!step || place < 0 || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    stops[place + step]?.focus();
  }

  async #find(query) {
    const list = query ? this.#makeList(query) : null;
    this.#searching?.stop();
    this.#searching = list;
    await list?.read();
    if (this.#searching !== list) return; // another search has begun
    this.#found = list;
    this.#render();
    if (list?.isRead) say(words.found(list.count, list.hasMore));
  }

  #rename(item) {
    const { id } = item.chat;
    const keep = async (title) => {
      const { title: kept } = await changeChat(id, { title });
      for (const list of [this.#all, this.#found]) list?.rename(id, kept);
      if (id === this.#shown.id) this.#shown.title = kept;
      this.#tell.onRenamed(id, kept, true);
    };
    editTitle(item, keep);
  }

  #delete({ chat, link }) {
    const place = this.#links.indexOf(link);
    const wasShown = chat.id === this.#shown.id;
    this.#deletions.add({ ...chat, wasShown });
    if (wasShown) this.#shown = { id: null, title: null }; // before it is, so that the list stays open
    if (wasShown) this.#tell.onGone(chat.id);
    (this.#links[place] ?? this.#links[place - 1] ?? this.#search.field).focus();
  }

  #bringBack({ id, wasShown }) {
    if (wasShown) this.#tell.onOpen(id);
    (this.#list.item(id)?.link ?? this.#search.field).focus();
  }
}
