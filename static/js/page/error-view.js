// An error where the answer would stand: one sentence, the time to wait, and a way on.
import { copyTemplate, part } from './dom.js';
import { words } from './words.js';

export class ErrorView {
  onReady;
  #readyAt = 0;
  #timer = 0;

  /** `action` is `{label, run}`, open after `retryAfter` seconds; `onReady` is called then, view or no view. */
  constructor(detail, { retryAfter, action, onReady = () => {} } = {}) {
    this.node = copyTemplate('error');
    this.onReady = onReady;
    part(this.node, 'detail').textContent = detail;
    const button = part(this.node, 'action');
    button.hidden = !action;
    button.textContent = action?.label;
    button.addEventListener('click', () => action.run());
    if (retryAfter > 0) this.#countDown(retryAfter, button);
  }

  get secondsLeft() {
    return Math.max(Math.ceil((this.#readyAt - Date.now()) / 1000), 0);
  }

  /** Takes it away; `onReady` is not called any more. */
  remove() {
    clearInterval(this.#timer);
    this.node.remove();
  }

  // Visible, and silent for screen readers (role="timer").
  #countDown(seconds, button) {
    const clock = part(this.node, 'timer');
    const tick = () => {
      const left = this.secondsLeft;
      button.disabled = left > 0;
      clock.textContent = left > 0 ? words.readyIn(left) : words.ready;
      if (left > 0) return;
      clearInterval(this.#timer);
      this.onReady();
    };
    this.#readyAt = Date.now() + seconds * 1000;
    this.#timer = setInterval(tick, 250);
    clock.hidden = false;
    tick();
  }
}
