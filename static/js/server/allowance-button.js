// The button that says in a few words what is left of the allowance, and opens the sheet that tells all of it.
import { shareLeft } from './allowance-line.js';
import { part } from '../page/dom.js';
import { words } from '../page/words.js';

export class AllowanceButton {
  #button;
  #say;
  #told = null;
  #sheet = null;

  /** `say(text)` speaks to screen readers. */
  constructor(button, say) {
    this.#button = button;
    this.#say = say;
  }

  show(allowance, mode) {
    this.#told = { ...allowance, mode };
    part(this.#button, 'left').textContent = summary(allowance);
    this.#sheet?.fillAllowance(this.#told);
  }

  async open() {
    try {
      this.#sheet = await import('./allowance-sheet.js');
    } catch {
      return this.#say(words.unreachable);
    }
    if (this.#told) this.#sheet.fillAllowance(this.#told);
    return this.#sheet.openAllowance();
  }
}

// Of messages the visitor's own limit that is used up, or else the longest; money or tokens only where less is left.
function summary({ limits, money, tokens }) {
  const isUsedUp = ({ left }) => left <= 0;
  const byNeed = (one, other) => isUsedUp(other) - isUsedUp(one) || other.window_s - one.window_s;
  const [own] = limits.filter(({ scope }) => scope === 'visitor').sort(byNeed);
  const share = (balance) => shareLeft(balance) || 0;
  const [least] = [own, money, tokens].filter(Boolean).sort((one, other) => share(one) - share(other));
  if (!least) return words.allowance;
  return least === own ? words.messagesOf(least.left, least.limit) : words.allowanceLeft(share(least));
}
