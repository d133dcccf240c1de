// Renames a chat in its place in the list: Enter keeps the new title, Escape gives it up.
import { say } from '../page/announcer.js';
import { copyTemplate, part } from '../page/dom.js';
import { onEscape } from '../page/shortcuts.js';
import { words } from '../page/words.js';

/** `keep(title)` stores the title, and throws what the server says against it. */
export function editTitle({ chat, node, link }, keep) {
  const form = copyTemplate('title-editor');
  const field = part(form, 'field');
  const refusal = part(form, 'refusal');

  const end = (hadFocus = form.contains(document.activeElement)) => {
    node.classList.remove('editing');
    form.remove();
    if (hadFocus) link.focus();
  };
  const refuse = (why) => {
    refusal.textContent = why;
    field.setAttribute('aria-invalid', 'true');
    say(why);
  };
  const submit = async () => {
    const title = field.value.trim();
    if (field.readOnly) return;
    if (title === chat.title) return end();
    if (!title) return refuse(words.titleEmpty);
    field.readOnly = true;
    await keep(title).then(() => end(), ({ message }) => refuse(message));
    field.readOnly = false;
  };
  const leave = () => {
    if (!form.isConnected || document.activeElement === field) return;
    if (field.value.trim()) submit();
    else end(false);
  };

  form.addEventListener('submit', (event) => event.preventDefault(submit()));
  onEscape(form, () => end());
  field.addEventListener('blur', () => setTimeout(leave)); // where the item is moved, the focus is back at once
  field.value = chat.title;
  node.classList.add('editing');
  node.prepend(form);
  field.focus();
  field.select();
}
