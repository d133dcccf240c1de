// The notice over the message box that there is no connection, until there is one again.
import { say } from '../page/announcer.js';
import { part } from '../page/dom.js';
import { Watch } from './watch.js';
import { words } from '../page/words.js';

const LOOK_S = 5;

export class ConnectionNotice {
  #node;
  #watch;
  #state = { lost: false, away: false, paused: false };

  /** `look()` asks the server, and calls `set`: a browser that thinks itself offline may still reach it. */
  constructor(node, look) {
    this.#node = node;
    this.#watch = new Watch(LOOK_S, look);
    window.addEventListener('offline', look);
    window.addEventListener('online', look);
  }

  /** `lost`: a reply's stream is looked for again; `away`: the server did not answer; `paused`: that is told instead. */
  set(change, { silent = false } = {}) {
    const { lost, away, paused } = Object.assign(this.#state, change);
    const reason = (away && !navigator.onLine && 'offline') || (lost && 'reconnecting') || (away && 'away');
    const sentence = reason && !paused ? words.connection[reason] : '';
    const text = part(this.#node, 'connection-text');
    this.#watch.isOn = away;
    if (sentence === text.textContent) return;
    text.textContent = sentence;
    this.#node.hidden = !sentence;
    if (reason !== 'away' && !silent) say(sentence || words.connection.back); // of a server away, what failed has told
  }
}
