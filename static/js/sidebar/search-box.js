// The box that searches the chats: asks when the visitor pauses in typing.
const PAUSE_MS = 200;

export class SearchBox {
  #timer = 0;
  #asked = '';

  /** `onSearch(query)`: empty when there is nothing to search for; `onLeave()`: Escape in the empty box. */
  constructor(field, { onSearch, onLeave }) {
    this.field = field;
    this.onSearch = onSearch;
    this.onLeave = onLeave;
    field.addEventListener('input', ({ isComposing }) => isComposing || this.#askIn(PAUSE_MS));
    field.addEventListener('compositionend', () => this.#askIn(PAUSE_MS));
    field.addEventListener('keydown', (event) => this.#onKey(event));
  }

  focus() {
    this.field.focus();
    this.field.select();
  }

  clear() {
    this.field.value = '';
    this.#askIn(0);
  }

  #askIn(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), this.field.value.trim() ? delay : 0);
  }

  #ask() {
    const query = this.field.value.trim();
    if (query === this.#asked) return;
    this.#asked = query;
    this.onSearch(query);
  }

  // The key must not reach the page, where it stops a reply.
  #onKey(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter') this.#askIn(0);
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.field.value) return this.onLeave();
    this.clear();
  }
}
