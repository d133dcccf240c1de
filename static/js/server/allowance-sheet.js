// The sheet that tells every balance of the allowance: what is left, and when there is more.
import { openDialog } from '../page/dialog.js';
import { copyTemplate, part } from '../page/dom.js';
import { LITTLE, shareLeft } from './allowance-line.js';
import { words } from '../page/words.js';

const SCOPES = ['visitor', 'network', 'site'];
const sheet = document.getElementById('allowance-sheet');

/** Opens it with what it is `told`, if that is known by now. */
export function openAllowance(told) {
  if (told) fillAllowance(told);
  openDialog(sheet);
}

/** `{limits, money, tokens}` as the server tells them, and its `mode`. */
export function fillAllowance({ limits, money, tokens, mode }) {
  const rows = [
    ...limits.toSorted(narrowFirst).map((limit) => row(words.limits[limit.scope](limit.window_s), limit, words.moreAt)),
    money && row(words.money, money, words.anewAt),
    tokens && row(words.tokens, tokens, words.anewAt),
  ].filter(Boolean);
  part(sheet, 'about').textContent = rows.length ? words.allowanceAbout[mode] : words.allowanceUnknown;
  part(sheet, 'balances').replaceChildren(...rows);
}

function narrowFirst(one, other) {
  return SCOPES.indexOf(one.scope) - SCOPES.indexOf(other.scope) || one.window_s - other.window_s;
}

function row(name, balance, when) {
  const { left, limit, resets_at: resetsAt, scope } = balance;
  const node = copyTemplate('balance');
  const meter = part(node, 'meter');
  const share = Math.max(0, shareLeft(balance) || 0);
  const told = scope ? words.leftOf(left, limit) : words.aboutLeft(share);
  part(node, 'name').textContent = name;
  part(node, 'left').textContent = told;
  part(node, 'when').textContent = left < limit ? when(new Date(resetsAt)) : '';
  part(meter, 'level').style.inlineSize = `${share * 100}%`;
  meter.toggleAttribute('data-little', share <= LITTLE);
  meter.setAttribute('aria-label', name);
  meter.setAttribute('aria-valuenow', Math.round(share * 100));
  meter.setAttribute('aria-valuetext', told);
  return node;
}
