// What is left of the allowance in a few words, for the button that opens the sheet with all of it.
import { shareLeft } from './allowance-line.js';
import { words } from '../page/words.js';

/** Of messages the visitor's own limit that is used up, or else the longest; money or tokens only where less is left. */
export function summary({ limits, money, tokens }) {
  const isUsedUp = ({ left }) => left <= 0;
  const byNeed = (one, other) => isUsedUp(other) - isUsedUp(one) || other.window_s - one.window_s;
  const [own] = limits.filter(({ scope }) => scope === 'visitor').sort(byNeed);
  const share = (balance) => shareLeft(balance) || 0;
  const [least] = [own, money, tokens].filter(Boolean).sort((one, other) => share(one) - share(other));
  if (!least) return words.allowance;
  return least === own ? words.messagesOf(least.left, least.limit) : words.allowanceLeft(share(least));
}
