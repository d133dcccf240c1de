// What the server says of itself: mode, models, bounds, allowance; and the places on the page that show them.
import { readMe } from './api.js';
import { element, part } from './dom.js';
import { words } from './words.js';

const FEW = 5; // messages left are shown from here on, or from a fifth of the limit
const MINUTE_MS = 60_000;

export class ServerState {
  #composer;
  #onQuestion;
  #recheck = 0;
  #models = part(document, 'models');

  constructor({ composer, onQuestion }) {
    this.#composer = composer;
    this.#onQuestion = onQuestion;
  }

  async refresh() {
    const me = await readMe().catch(() => null);
    if (!me) return;
    this.#composer.set({ limit: me.bounds.message_chars });
    this.#showMode(me.mode);
    this.#showModels(me);
    this.showAllowance(me.allowance);
  }

  /** `{model}` if the visitor has a choice, else nothing. */
  get chosenModel() {
    return this.#models.hidden ? {} : { model: part(this.#models, 'select').value };
  }

  showAllowance(allowance) {
    if (!allowance?.messages) return;
    const { left, limit, resets_at: resetsAt } = allowance.messages;
    const until = new Date(resetsAt);
    const place = part(document, 'allowance');
    place.hidden = left > Math.min(FEW, limit / 5);
    place.textContent = words.messagesLeft(left, until);
    clearTimeout(this.#recheck);
    if (!place.hidden) this.#recheck = setTimeout(() => this.refresh(), Math.max(until - Date.now(), MINUTE_MS));
  }

  #showMode(mode) {
    const banner = part(document, 'banner');
    banner.hidden = mode === 'live';
    part(banner, 'banner-title').textContent = words.modes[mode]?.title;
    part(banner, 'banner-text').textContent = words.modes[mode]?.text;
    part(banner, 'banner-link').hidden = mode !== 'tutor';
    part(document, 'greeting').textContent = words.modes[mode]?.greeting ?? words.greeting;
    part(document, 'suggestions').replaceChildren(...(words.modes[mode]?.questions ?? []).map(this.#suggestion));
  }

  #suggestion = (question) => {
    const button = element('button', { type: 'button', class: 'suggestion' }, question);
    button.addEventListener('click', () => this.#onQuestion(question));
    return button;
  };

  #showModels({ model, models }) {
    this.#models.hidden = models.length < 2;
    const select = part(this.#models, 'select');
    if (select.options.length > 0) return;
    select.append(...models.map((name) => new Option(name, name, name === model, name === model)));
  }
}
