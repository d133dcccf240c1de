// The page's one polite live region: says that a reply runs, that it still runs, and once what it said.
import { words } from './words.js';

const REPEAT_S = 7;

export class Announcer {
  #region;
  #timer = 0;

  constructor(region) {
    this.#region = region;
  }

  say(text) {
    sayIn(this.#region, text);
  }

  startAnswering() {
    this.say(words.answering);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.say(words.stillAnswering), REPEAT_S * 1000);
  }

  endAnswering(text) {
    clearInterval(this.#timer);
    const isOld = [words.answering, words.stillAnswering].includes(this.#region.textContent.trim());
    if (text || isOld) this.say(text);
  }
}

/** The same words twice would not be read twice: an added blank makes them new. */
export function sayIn(region, text) {
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
