// Follows the end of the page while a reply grows, until the reader shows that they want to stay.

const NEAR_PX = 2;
const KEYS_UPWARDS = new Set(['ArrowUp', 'PageUp', 'Home']);

export class EndFollower {
  #page = document.scrollingElement;
  #content;
  #button;
  #following = true;
  #endAtGesture = 0; // where the end was when the reader took over
  #lastTop = 0;

  /** `onJump` is called after the button took the reader to the end. */
  constructor(content, button, onJump) {
    this.#content = content;
    this.#button = button;
    history.scrollRestoration = 'manual'; // a chat is shown from its end
    button.addEventListener('click', () => onJump(this.follow()));
    const main = content.closest('main'); // with the dock, which grows as well
    new ResizeObserver(() => this.#onGrowth()).observe(main);
    const changes = { childList: true, characterData: true, attributes: true, subtree: true };
    new MutationObserver(() => this.#onChange()).observe(main, changes);
    const dock = document.querySelector('.dock');
    new ResizeObserver(() => this.#keepClearOf(dock)).observe(dock);
    window.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    window.addEventListener('wheel', (event) => event.deltaY < 0 && this.stay(), { passive: true });
    window.addEventListener('touchmove', () => this.stay(), { passive: true });
    window.addEventListener('touchend', () => this.#onGestureEnd(), { passive: true });
    window.addEventListener('keydown', (event) => this.#isReadingUpwards(event) && this.stay());
    window.addEventListener('pointerdown', (event) => event.clientX >= this.#page.clientWidth && this.stay());
    document.addEventListener('selectionchange', () => this.#isSelecting() && this.stay());
  }

  follow() {
    this.#following = true;
    this.#onGrowth();
  }

  /** The reader stays where they are, whatever grows. */
  stay() {
    if (!this.#following || this.#end <= 0) return;
    this.#following = false;
    this.#endAtGesture = this.#end;
    this.#show();
  }

  get #end() {
    return this.#page.scrollHeight - this.#page.clientHeight;
  }

  // What takes the focus must not lie under the dock.
  #keepClearOf(dock) {
    const covered = getComputedStyle(dock).position === 'sticky' ? dock.offsetHeight : 0;
    this.#page.style.scrollPaddingBottom = `${covered + 16}px`;
  }

  #onGrowth() {
    const isOpen = this.#content.childElementCount > 0;
    if (this.#following && isOpen) window.scrollTo({ top: this.#end, behavior: 'instant' });
    this.#lastTop = window.scrollY;
    this.#show();
  }

  // Between two frames the page may have been shorter: then the browser has moved, and not the reader.
  #onChange() {
    if (this.#following) this.#lastTop = Math.min(this.#lastTop, window.scrollY);
  }

  // A finger that only touched, at the end, takes nothing over.
  #onGestureEnd() {
    if (window.scrollY >= this.#endAtGesture - NEAR_PX) this.#following = true;
    this.#show();
  }

  // Upwards, but not because the page became shorter: the focus went there, or the browser's own search.
  #onScroll() {
    const { scrollY } = window;
    if (scrollY > this.#lastTop && scrollY >= this.#endAtGesture - NEAR_PX) this.#following = true;
    if (scrollY < this.#lastTop && scrollY < this.#end - NEAR_PX) this.stay();
    this.#lastTop = scrollY;
    this.#show();
  }

  #show() {
    this.#page.toggleAttribute('data-following', this.#following);
    this.#button.hidden = this.#following || this.#end - window.scrollY < 80;
  }

  #isReadingUpwards({ key, shiftKey, target }) {
    const upwards = KEYS_UPWARDS.has(key) || (key === ' ' && shiftKey);
    return upwards && !target.closest('textarea, input, select, button');
  }

  #isSelecting() {
    const selection = document.getSelection();
    return !selection.isCollapsed && this.#content.contains(selection.anchorNode);
  }
}
