// What becomes of a question that the server refused: it is a draft again, or what stood there before comes back.
import { say } from '../page/announcer.js';
import { Unreachable } from '../page/api.js';
import { newId } from '../page/ids.js';
import { words } from '../page/words.js';

export class Refusals {
  #page; // {transcript, composer, follower, server}
  #conversation;
  #givenBack = null; // a question that came back: sent again unchanged, it keeps its id

  constructor(page, conversation) {
    this.#page = page;
    this.#conversation = conversation;
  }

  /** The id for a question of these words. */
  idFor(text) {
    const id = this.#givenBack?.text === text ? this.#givenBack.id : newId();
    this.#givenBack = null;
    return id;
  }

  forget() {
    this.#givenBack = null;
  }

  /**
   * Takes what was `wanted`, with the `reply` that waits for it, off the page, and gives it back. False: it stays, for
   * the reply is the place to tell the error at and nothing is lost by that.
   */
  takeBack({ wanted, reply }, error) {
    const { trigger, question, cut, edited, removed = [] } = wanted;
    const { transcript } = this.#page;
    const replacesWhole = removed[0]?.outcome?.status === 'complete';
    if (cut || (trigger === 'regenerate-message' && !replacesWhole)) return false;
    transcript.cutFrom(trigger === 'submit-message' ? question : reply);
    transcript.putBack(removed);
    if (edited) this.#editAgain(removed[0], question.text, error);
    else if (trigger === 'submit-message') this.#giveBack(question, error);
    else this.#tell(error);
    return true;
  }

  #editAgain(old, text, error) {
    this.#page.follower.stay(); // the box, not the end, is where to look
    queueMicrotask(() => { // once nothing runs any more
      const editor = this.#conversation.edit(old, text);
      if (error.code === 'contains_key') editor?.refuseKey(error.message);
      else editor?.tell(error.message);
    });
    if (error.code !== 'contains_key') this.#tell(error);
  }

  #giveBack(question, error) {
    const { composer } = this.#page;
    this.#givenBack = question;
    if (error.code === 'contains_key') return composer.refuseKey(question.text, error.message);
    composer.giveBack(question.text);
    this.#tell(error, words.offline);
  }

  #tell(error, unreachable = words.unreachable) {
    const { transcript, composer, server } = this.#page;
    const { code, retryAfter } = error;
    const detail = error instanceof Unreachable ? unreachable : error.message;
    const onReady = () => {
      composer.set({ blocked: false });
      say(words.canSendAgain);
    };
    if (code === 'paused') return server.pause(retryAfter);
    say(error.name === 'AbortError' ? words.ended.stopped : detail);
    if (error.name === 'AbortError') return;
    composer.set({ blocked: transcript.notify(detail, { retryAfter, onReady }) > 0 });
  }
}
