// The notice over the message box that nothing is answered for now, and a look now and then whether that is over.
import { part } from '../page/dom.js';
import { Watch } from './watch.js';
import { words } from '../page/words.js';

const LOOK_S = 15;

export class PauseNotice {
  #node;
  #onChange;
  #watch;
  #until = null; // where the server told it

  /** `onChange(sentence)`: a pause began or, with no sentence, ended. `look()` asks the server, and calls `show`. */
  constructor(node, { onChange, look }) {
    this.#node = node;
    this.#onChange = onChange;
    this.#watch = new Watch(LOOK_S, look);
  }

  /** `retryAfter`: the seconds that it still takes, where they are known. */
  show(isPaused, retryAfter = null) {
    if (!isPaused) this.#until = null;
    if (retryAfter) this.#until = new Date(Date.now() + retryAfter * 1000);
    const changed = this.#node.hidden === isPaused;
    const sentence = isPaused ? words.paused(this.#until > Date.now() ? this.#until : null) : '';
    part(this.#node, 'pause-text').textContent = sentence;
    this.#node.hidden = !isPaused;
    this.#watch.isOn = isPaused;
    if (changed) this.#onChange(sentence);
  }
}
