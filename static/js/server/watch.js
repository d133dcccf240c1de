// Asks now and then whether something is over; a tab that nobody sees asks when it is seen again.

export class Watch {
  #ask;
  #seconds;
  #timer = 0;

  constructor(seconds, ask) {
    this.#seconds = seconds;
    this.#ask = () => document.hidden || ask();
    document.addEventListener('visibilitychange', () => this.#timer && this.#ask());
  }

  set isOn(isOn) {
    clearInterval(this.#timer);
    this.#timer = isOn ? setInterval(this.#ask, this.#seconds * 1000) : 0;
  }
}
