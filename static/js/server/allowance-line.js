// The quiet line under the message box: what is left of the allowance, once that is little, and when it resets.
import { words } from '../page/words.js';

export const LITTLE = 0.2; // of its limit
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export class AllowanceLine {
  #node;
  #look;
  #timer = 0;

  /** `look()` asks the server, and calls `show`. */
  constructor(node, look) {
    this.#node = node;
    this.#look = look;
  }

  /** `{messages, money, tokens}`, each `{left, limit, resets_at}` or null. Returns the line if it has just come up. */
  show({ messages, money, tokens }) {
    const short = [messages, money, tokens].filter((balance) => balance && shareLeft(balance) <= LITTLE);
    const [least] = short.sort((one, other) => shareLeft(one) - shareLeft(other));
    const resetsAt = new Date(least?.resets_at ?? 0);
    const wasHidden = this.#node.hidden;
    this.#node.hidden = !least;
    this.#node.textContent = '';
    clearTimeout(this.#timer);
    if (!least) return '';
    this.#timer = setTimeout(this.#look, Math.min(Math.max(resetsAt - Date.now(), MINUTE_MS), HOUR_MS));
    const line = least === messages ? words.messagesLeft(least.left, resetsAt) : words.shareLeft(shareLeft(least), resetsAt);
    this.#node.textContent = line;
    return wasHidden ? line : '';
  }
}

export function shareLeft({ left, limit }) {
  return left / limit; // NaN where nothing may be spent at all
}
