// The box that searches the chats: asks when the visitor pauses in typing.
import { onEscape } from '../page/shortcuts.js';

const PAUSE_MS = 200;

export class SearchBox {
  #onSearch;
  #timer = 0;
  #asked = '';

  /** `onSearch(query)`: empty when there is nothing to search for; `onLeave()`: Escape in the empty box. */
  constructor(field, { onSearch, onLeave }) {
    this.field = field;
    this.#onSearch = onSearch;
    field.addEventListener('input', ({ isComposing }) => isComposing || this.#askIn(PAUSE_MS));
    field.addEventListener('compositionend', () => this.#askIn(PAUSE_MS));
    field.addEventListener('keydown', ({ key, isComposing }) => key === 'Enter' && !isComposing && this.#askIn(0));
    onEscape(field, () => (field.value ? this.clear() : onLeave()));
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
    this.#onSearch(query);
  }
}
