// The menu of a chat: one for the whole list, opened beside the button that asks for it.
import { part } from '../page/dom.js';
import { onEscape } from '../page/shortcuts.js';

const MARGIN_PX = 8;

export class ChatMenu {
  #node;
  #acts;
  #item = null;
  #pressedFor = null; // whose menu was open when the pointer went down: that closes it already

  /** `acts`: by name what the menu's buttons do with an item of the list. */
  constructor(node, acts) {
    this.#node = node;
    this.#acts = acts;
    node.addEventListener('click', (event) => this.#onClick(event));
    node.addEventListener('keydown', (event) => this.#onKey(event));
    onEscape(node, () => node.hidePopover());
    node.addEventListener('toggle', () => this.#item.menuButton.setAttribute('aria-expanded', this.#isOpen));
    window.addEventListener('pointerdown', () => (this.#pressedFor = this.#isOpen ? this.#item : null), true);
    window.addEventListener('resize', () => node.hidePopover());
    window.addEventListener('scroll', ({ target }) => target !== document && node.hidePopover(), true); // the list's
  }

  toggle(item) {
    if (this.#pressedFor !== item) return this.#open(item);
    this.#pressedFor = null;
    this.#node.hidePopover();
  }

  get #isOpen() {
    return this.#node.matches(':popover-open');
  }

  get #entries() {
    return [...this.#node.querySelectorAll('[role="menuitem"]')];
  }

  #open(item) {
    this.#node.hidePopover();
    this.#item = item;
    for (const format of ['md', 'json']) {
      part(this.#node, format).href = `/api/chats/${item.chat.id}/export?format=${format}`;
    }
    item.menuButton.focus(); // Safari does not by itself, and here the focus comes back to
    this.#node.showPopover();
    this.#place(item.menuButton.getBoundingClientRect());
    this.#entries[0].focus();
  }

  #place(button) {
    const { width, height } = this.#node.getBoundingClientRect();
    const left = Math.min(button.left, innerWidth - width - MARGIN_PX);
    const isRoom = button.bottom + height + MARGIN_PX < innerHeight;
    this.#node.style.left = `${Math.max(MARGIN_PX, left)}px`;
    this.#node.style.top = `${Math.max(MARGIN_PX, isRoom ? button.bottom : button.top - height)}px`;
  }

  #onClick({ target }) {
    const entry = target.closest('[role="menuitem"]');
    if (!entry) return;
    this.#node.hidePopover();
    this.#acts[entry.dataset.act]?.(this.#item);
  }

  #onKey(event) {
    const entries = this.#entries;
    const place = entries.indexOf(document.activeElement);
    const moves = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: -1 };
    if (event.key === 'Tab') return this.#node.hidePopover();
    if (event.key === ' ') document.activeElement.click(); // links do not by themselves
    else if (event.key in moves) entries.at(moves[event.key] % entries.length).focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
