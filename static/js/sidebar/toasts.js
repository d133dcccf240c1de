// Short messages that go by themselves, but not while the visitor is at one of them.
import { copyTemplate, part } from '../page/dom.js';
import { label } from '../page/words.js';

const SHOWN_MS = 8000;

export class Toasts {
  #region;
  #ends = new Set(); // of the toasts that are shown: what happens when their time is over
  #timers = [];
  #visits = new Set(); // of the pointer, of the focus

  constructor(region) {
    this.#region = region;
    const visits = { pointer: ['pointerenter', 'pointerleave'], focus: ['focusin', 'focusout'] };
    for (const [visit, [comes, goes]] of Object.entries(visits)) {
      region.addEventListener(comes, () => this.#onVisit(visit, true));
      region.addEventListener(goes, () => this.#onVisit(visit, false));
    }
  }

  /** `action`: `{label, hint, run}` of its button; `onEnd()` is called when its time is over. Returns its remover. */
  show(text, { action, onEnd } = {}) {
    const toast = copyTemplate('toast');
    const button = part(toast, 'action');
    part(toast, 'text').textContent = text;
    button.hidden = !action;
    if (action) {
      button.textContent = action.label;
      label(button, action.hint);
      button.addEventListener('click', action.run);
    }
    const remove = () => {
      toast.remove();
      this.#ends.delete(end);
      if (!this.#ends.size) this.#visits.clear(); // nobody leaves what is gone
    };
    const end = () => {
      remove();
      onEnd?.();
    };
    this.#region.append(toast);
    this.#ends.add(end);
    if (!this.#visits.size) this.#start(end);
    return remove;
  }

  #start(end) {
    this.#timers.push(setTimeout(() => this.#ends.has(end) && end(), SHOWN_MS));
  }

  // Each has its whole time again when the visitor has left.
  #onVisit(visit, comes) {
    if (comes) this.#visits.add(visit);
    else this.#visits.delete(visit);
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
    if (!this.#visits.size) for (const end of this.#ends) this.#start(end);
  }
}
