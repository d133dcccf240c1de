// What the server says of itself: mode, models, bounds, allowance; and the places on the page that show them.
import { AllowanceLine } from './allowance-line.js';
import { readMe } from '../page/api.js';
import { element, part } from '../page/dom.js';
import { PauseNotice } from './pause-notice.js';
import { words } from '../page/words.js';

export class ServerState {
  #composer;
  #onQuestion;
  #pause;
  #allowance;
  #models = part(document, 'models');

  /** `say(text)` speaks to screen readers; `onQuestion(text)` is called with a suggestion that was chosen. */
  constructor({ composer, say, onQuestion }) {
    const look = () => this.refresh();
    const onChange = (sentence) => {
      composer.set({ paused: Boolean(sentence) });
      say(sentence || words.canSendAgain);
    };
    this.#composer = composer;
    this.#onQuestion = onQuestion;
    this.#pause = new PauseNotice(part(document, 'pause'), { onChange, look });
    this.#allowance = new AllowanceLine(part(document, 'allowance'), look);
  }

  async refresh() {
    const me = await readMe().catch(() => null);
    if (!me) return;
    this.#composer.set({ limit: me.bounds.message_chars });
    this.#showMode(me.mode);
    this.#showModels(me);
    this.#pause.show(me.mode === 'paused');
    this.#allowance.show(me.allowance);
  }

  /** `{model}` if the visitor has a choice, else nothing. */
  get chosenModel() {
    return this.#models.hidden ? {} : { model: part(this.#models, 'select').value };
  }

  /** The server has refused to answer because it is paused, for `retryAfter` seconds if it knows. */
  pause(retryAfter) {
    this.#pause.show(true, retryAfter);
  }

  /** As it stands after an answer; returns what a screen reader should hear of it. */
  showAllowance(allowance) {
    return this.#allowance.show(allowance);
  }

  #showMode(mode) {
    const banner = part(document, 'banner');
    const told = words.modes[mode];
    banner.hidden = !told;
    part(banner, 'banner-title').textContent = told?.title;
    part(banner, 'banner-text').textContent = told?.text;
    part(document, 'greeting').textContent = told?.greeting ?? words.greeting;
    part(document, 'suggestions').replaceChildren(...(told?.questions ?? []).map(this.#suggestion));
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
