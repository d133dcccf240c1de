// What the server says of itself: mode, models, bounds, allowance, or nothing; and the places on the page that show it.
import { AllowanceLine } from './allowance-line.js';
import { summary } from './allowance-summary.js';
import { say } from '../page/announcer.js';
import { readMe, Unreachable } from '../page/api.js';
import { ConnectionNotice } from './connection-notice.js';
import { part } from '../page/dom.js';
import { PauseNotice } from './pause-notice.js';
import { welcome } from '../page/welcome.js';
import { words } from '../page/words.js';

export class ServerState {
  /** Kept once the server has been asked a first time, or is away: by then this browser has its cookie. */
  known;
  #composer;
  #mode;
  #pause;
  #connection;
  #line;
  #sheet = null; // with all of the allowance, once it was opened
  #told = null; // what it tells
  #models = part(document, 'models');

  constructor(composer) {
    const look = () => this.refresh();
    const onChange = (sentence) => {
      composer.set({ paused: Boolean(sentence) });
      this.#connection.set({ paused: Boolean(sentence) });
      say(sentence || words.canSendAgain);
    };
    this.#composer = composer;
    this.#pause = new PauseNotice(part(document, 'pause'), { onChange, look });
    this.#connection = new ConnectionNotice(part(document, 'connection'), look);
    this.#line = new AllowanceLine(part(document, 'allowance'), look);
    this.known = this.refresh();
  }

  async refresh() {
    const me = await readMe().catch((error) => this.#connection.set({ away: error instanceof Unreachable }));
    if (!me) return;
    this.#mode = me.mode;
    this.#connection.set({ away: false });
    this.#composer.set({ limit: me.bounds.message_chars });
    welcome(me.mode, me.suggestions);
    this.#showModels(me);
    this.#pause.show(me.mode === 'paused');
    this.showAllowance(me.allowance);
  }

  /** `{model}` if the visitor has a choice, else nothing. */
  get chosenModel() {
    return this.#models.hidden ? {} : { model: part(this.#models, 'select').value };
  }

  /** The server has refused to answer because it is paused, for `retryAfter` seconds if it knows. */
  pause(retryAfter) {
    this.#pause.show(true, retryAfter);
  }

  /** Offers `model` as the choice, if it is among them: the one that answered last. */
  chooseModel(model) {
    const select = part(this.#models, 'select');
    if ([...select.options].some(({ value }) => value === model)) select.value = model;
  }

  /** How the line to a running reply stands: 'lost', while it is looked for again, 'here', or 'left', which is not told. */
  showConnection(state) {
    this.#connection.set({ lost: state === 'lost' }, { silent: state === 'left' });
  }

  /** Opens the sheet that tells all of the allowance, and keeps it true. */
  openAllowance(sheet) {
    this.#sheet = sheet;
    sheet.openAllowance(this.#told);
  }

  /** As it stands after an answer; returns what a screen reader should hear of it. */
  showAllowance(allowance) {
    this.#told = { ...allowance, mode: this.#mode };
    part(part(document, 'open-allowance'), 'left').textContent = summary(allowance);
    this.#sheet?.fillAllowance(this.#told);
    return this.#line.show(allowance);
  }

  #showModels({ model, models }) {
    this.#models.hidden = models.length < 2;
    const select = part(this.#models, 'select');
    if (String([...select.options].map(({ value }) => value)) === String(models)) return;
    const chosen = models.includes(select.value) ? select.value : model;
    select.replaceChildren(...models.map((name) => new Option(name, name, name === model, name === chosen)));
  }
}
