// One question of the visitor's, as it was asked.
import { copyOnClick } from '../page/copying.js';
import { copyTemplate, part } from '../page/dom.js';
import { QuestionEditor } from './question-editor.js';
import { showVersions } from './versions.js';

export class Question {
  role = 'user';
  #editor = null;

  /** `versions`: the ids of the questions in its place, oldest first, its own among them; none: it is alone. */
  constructor(id, text, versions = []) {
    this.id = id;
    this.text = text;
    this.node = copyTemplate('question');
    part(this.node, 'text').textContent = text;
    copyOnClick(part(this.node, 'copy'), () => text);
    this.beside = versions;
    showVersions(this.node, id, versions);
  }

  /** Is it what the server has stored as `message`? */
  is({ id, role, metadata }) {
    return role === this.role && id === this.id && String(metadata.versions ?? []) === String(this.beside);
  }

  get asMessage() {
    return { id: this.id, role: 'user', parts: [{ type: 'text', text: this.text }] };
  }

  /** Opens a box with its text, and the options of QuestionEditor. */
  edit(options) {
    const onLeave = () => {
      editor.node.remove();
      this.node.removeAttribute('data-editing');
      options.onLeave();
    };
    this.#editor?.node.remove();
    const editor = (this.#editor = new QuestionEditor(this, { ...options, onLeave }));
    this.node.toggleAttribute('data-editing', true);
    this.node.append(editor.node);
    editor.focus();
    return editor;
  }
}
