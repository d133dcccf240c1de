// One message of the transcript: the visitor's question, or a reply, live or stored.
import { copyOnClick } from '../page/copying.js';
import { copyTemplate, element, part } from '../page/dom.js';
import { ErrorView } from '../page/error-view.js';
import { MarkdownStream } from '../markdown/stream.js';
import { words } from '../page/words.js';

export class Question {
  constructor(id, text) {
    this.id = id;
    this.text = text;
    this.node = copyTemplate('question');
    part(this.node, 'text').textContent = text;
  }
}

export class Reply {
  outcome = { status: 'complete' }; // becomes what a stored message's metadata says
  id = null;
  #markdown;
  #reasoning = new Map();

  constructor() {
    this.node = copyTemplate('reply');
    this.#markdown = new MarkdownStream(part(this.node, 'text'));
    copyOnClick(part(this.node, 'copy'), () => this.#markdown.text);
  }

  /** One chunk of a stream that comes `from` its start, or goes on after a break, or after a cut of the answer. */
  take(chunk, from = 'start') {
    if (chunk.type === 'start' && from === 'start') this.#clear();
    Object.assign(this.outcome, chunk.messageMetadata);
    this.id = chunk.messageId ?? this.id;
    if (chunk.type === 'text-delta') this.#append(chunk.delta);
    else if (chunk.type === 'reasoning-start') from === 'break' && this.#reasoning.clear(); // all of it comes again
    else if (chunk.type === 'reasoning-delta') this.#reason(chunk.id, chunk.delta);
    else if (chunk.type === 'finish') this.outcome.finishReason = chunk.finishReason;
    else if (chunk.type === 'abort') this.outcome.status = chunk.reason ?? 'stopped';
    else if (chunk.type === 'data-problem') this.fail(chunk.data);
    else if (chunk.type === 'error') this.fail({ detail: chunk.errorText });
  }

  /** A stored reply. */
  restore({ id, parts, metadata }) {
    this.#clear();
    this.id = id;
    parts.forEach(({ type, text }, index) => this.take({ type: `${type}-delta`, id: index, delta: text }));
    const problem = metadata.problem && { detail: metadata.problem.detail }; // its time to wait is long over
    Object.assign(this.outcome, metadata, { problem });
  }

  /** Was it cut off, with something there to go on from? */
  get isCut() {
    const { status, finishReason } = this.outcome;
    return Boolean(this.id && this.#markdown.text) && (status !== 'complete' || finishReason === 'length');
  }

  /** What it has stays, and the rest is still to come. */
  goOn() {
    this.outcome = { status: 'complete' };
    part(this.node, 'actions').hidden = true;
    for (const name of ['marks', 'error']) part(this.node, name).replaceChildren();
  }

  /** The first problem told is the true one. */
  fail(problem) {
    this.outcome.status = 'failed';
    this.outcome.problem ??= problem;
  }

  /** Nothing more will come. Offers `wayOn` if the reply is not whole; returns what a screen reader should hear. */
  end(wayOn) {
    const { status, finishReason, leftOut, shortenedTo, problem } = this.outcome;
    this.pending = false;
    this.#markdown.finish();
    part(this.node, 'actions').hidden = !this.#markdown.text;
    part(this.node, 'go-on').hidden = !wayOn || !this.isCut;
    const cut = finishReason === 'length' && shortenedTo ? words.keptShort : words.cut[finishReason];
    const marks = [leftOut && words.leftOut(leftOut), words.ended[status], cut].filter(Boolean);
    part(this.node, 'marks').replaceChildren(...marks.map((mark) => element('span', { class: 'mark' }, mark)));
    if (status === 'complete') return `${words.finished} ${part(this.node, 'text').innerText}`;
    if (status === 'stopped') return words.ended.stopped;
    const detail = problem?.detail || words.unfinished;
    const error = new ErrorView(detail, { retryAfter: problem?.retry_after, ...wayOn });
    part(this.node, 'error').replaceChildren(error.node);
    return detail;
  }

  set pending(pending) {
    this.node.toggleAttribute('data-pending', pending);
  }

  #clear() {
    this.outcome = { status: 'complete' };
    this.#markdown.clear();
    this.#reasoning.clear();
  }

  #append(delta) {
    this.pending = false;
    this.#markdown.append(delta);
  }

  #reason(id, delta) {
    this.#reasoning.set(id, (this.#reasoning.get(id) ?? '') + delta);
    part(this.node, 'reasoning').hidden = false;
    part(this.node, 'reasoning-text').textContent = [...this.#reasoning.values()].join('\n\n');
  }
}
