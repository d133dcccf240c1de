// Where the list of chats is seen: a column that can be put away, or on a narrow screen a drawer over the page.
import { part } from '../page/dom.js';
import { onEscape } from '../page/shortcuts.js';

const WIDE = matchMedia('(min-width: 60rem)'); // as in sidebar.css
const root = document.documentElement;

export class Panel {
  wasOpen = false;
  #node;
  #opener = part(document, 'open-sidebar');
  #closer;
  #onFirstOpen;
  #cameFrom = null; // what had the focus before

  /** `onFirstOpen` is called once, when the list is seen first. */
  constructor(node, onFirstOpen) {
    this.#node = node;
    this.#closer = part(node, 'close-sidebar');
    this.#onFirstOpen = onFirstOpen;
    part(document, 'shade').addEventListener('click', () => this.close());
    onEscape(node, () => !WIDE.matches && this.close()); // beside a column it stops the reply
    WIDE.addEventListener('change', () => this.update(WIDE.matches && this.isOpen));
    window.addEventListener('storage', () => this.update()); // another tab's column was put away, or opened
    this.update();
  }

  get isOpen() {
    return WIDE.matches ? root.dataset.sidebar !== 'closed' : 'drawer' in root.dataset;
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }

  open() {
    const { activeElement } = document;
    if (!this.#node.contains(activeElement)) this.#cameFrom = activeElement;
    if (this.isOpen) return;
    this.#set('open');
    if (!WIDE.matches || activeElement === this.#opener) this.#closer.focus();
  }

  close() {
    const hadFocus = !WIDE.matches || this.#node.contains(document.activeElement);
    this.#set('closed');
    if (hadFocus) this.leave();
  }

  /** Gives the focus back to what had it before; on a narrow screen that puts the list away. */
  leave() {
    this.closeDrawer();
    const isThere = this.#cameFrom?.checkVisibility() && this.#cameFrom !== document.body;
    (isThere ? this.#cameFrom : this.#opener).focus({ preventScroll: true });
  }

  closeDrawer() {
    if (!WIDE.matches && this.isOpen) this.close();
  }

  /** Makes the rest of the page fit. */
  update(open = this.isOpen) {
    const isDrawer = open && !WIDE.matches;
    const hasScrollBar = innerWidth > root.clientWidth; // one that takes room must keep it
    if (isDrawer) root.dataset.drawer = hasScrollBar ? 'beside-scroll-bar' : '';
    else delete root.dataset.drawer;
    for (const other of document.querySelectorAll('.column, .skip-link')) other.inert = isDrawer;
    for (const button of [this.#opener, this.#closer]) button.setAttribute('aria-expanded', open);
    this.#node.classList.toggle('unseen', !open);
    if (!open || this.wasOpen) return;
    this.wasOpen = true;
    this.#onFirstOpen();
  }

  // Only the column stays as it was left: nobody wants to be met by a drawer.
  #set(state) {
    if (WIDE.matches) window.choose('sidebar', state);
    this.update(state === 'open');
  }
}
