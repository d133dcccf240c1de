// One reply, live or stored: its text as it arrives, and how it ended.
import { copyOnClick } from '../page/copying.js';
import { copyTemplate, element, part } from '../page/dom.js';
import { ErrorView } from '../page/error-view.js';
import { MarkdownStream } from '../markdown/stream.js';
import { words } from '../page/words.js';
import { showVersions } from './versions.js';

export class Reply {
  role = 'assistant';
  outcome = { status: 'complete' }; // becomes what a stored message's metadata says
  id = null;
  beside = [];
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
    if (this.beside.length && !this.beside.includes(this.id)) this.beside = [...this.beside, this.id];
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
    this.beside = metadata.versions ?? [];
    this.id = id;
    parts.forEach(({ type, text }, index) => this.take({ type: `${type}-delta`, id: index, delta: text }));
    const problem = metadata.problem && { detail: metadata.problem.detail }; // its time to wait is long over
    Object.assign(this.outcome, metadata, { problem });
  }

  /** Is it what the server has stored as `message`? */
  is({ id, role, parts, metadata }) {
    const same = role === this.role && id === this.id && metadata.status === this.outcome.status;
    return same && parts.at(-1).text === this.#markdown.text && String(metadata.versions ?? []) === String(this.beside);
  }

  /** As the AI SDK names it; the seal is what a temporary chat's answer is known by. */
  get asMessage() {
    const { seal } = this.outcome;
    return { id: this.id, role: 'assistant', metadata: { seal }, parts: [{ type: 'text', text: this.#markdown.text }] };
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
    return this;
  }

  /** Nothing more will come. Offers `wayOn` if the reply is not whole; returns what a screen reader should hear. */
  end(wayOn) {
    const { status, finishReason, leftOut, shortenedTo, problem } = this.outcome;
    this.pending = false;
    this.#markdown.finish();
    part(this.node, 'actions').hidden = !this.#markdown.text && this.beside.length < 2;
    part(this.node, 'copy').hidden = !this.#markdown.text;
    part(this.node, 'go-on').hidden = !wayOn?.goesOn || !this.isCut;
    part(this.node, 'model').textContent = this.outcome.model ?? '';
    showVersions(this.node, this.id, this.beside);
    const cut = finishReason === 'length' && shortenedTo ? words.keptShort : words.cut[finishReason];
    const marks = [leftOut && words.leftOut(leftOut), words.ended[status], cut].filter(Boolean);
    part(this.node, 'marks').replaceChildren(...marks.map((mark) => element('span', { class: 'mark' }, mark)));
    this.node.toggleAttribute('data-failed', !['complete', 'stopped'].includes(status));
    if (status === 'complete') return `${words.finished} ${this.#heard}`;
    if (status === 'stopped') return words.ended.stopped;
    const detail = problem?.detail || words.unfinished;
    const stands = () => error.node.isConnected && this.node.matches('.transcript > [data-last]');
    const onReady = () => stands() && wayOn?.onReady?.();
    const error = new ErrorView(detail, { retryAfter: problem?.retry_after, ...wayOn, onReady });
    part(this.node, 'error').replaceChildren(error.node);
    return detail;
  }

  // Formulas once, and no names of buttons.
  get #heard() {
    const node = part(this.node, 'text');
    node.toggleAttribute('data-heard', true);
    const { innerText } = node;
    node.removeAttribute('data-heard');
    return innerText;
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
