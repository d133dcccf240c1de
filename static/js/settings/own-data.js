// The visitor's own data: chats brought in from a file, and deleted once what goes and what stays was read.
import { forgetDrafts } from '../composer/drafts.js';
import { deleteChats, forgetMe, importChats } from '../page/api.js';
import { openDialog } from '../page/dialog.js';
import { part } from '../page/dom.js';
import { words } from '../page/words.js';

export function offerOwnData(dialog, { onImported, onDeleted }) {
  const tell = (text) => (part(dialog, 'data-status').textContent = text);
  const onDone = ({ done }) => {
    tell(done);
    onDeleted();
  };
  tell('');
  part(dialog, 'import').onchange = async ({ target }) => {
    const [file] = target.files;
    if (!file) return;
    tell(words.importing);
    tell(await importChats(file).then(words.imported, (error) => error.message));
    target.value = ''; // the same file may be chosen again
    onImported();
  };
  const { chats, me } = words.deletions;
  part(dialog, 'delete-chats').onclick = () => confirmDeletion(chats, () => deleteChats().then(forgetDrafts), onDone);
  part(dialog, 'forget').onclick = () => confirmDeletion(me, forgetAll, onDone);
}

async function forgetAll() {
  await forgetMe();
  forgetDrafts();
  window.forgetChoices();
}

function confirmDeletion(deletion, run, onDone) {
  const dialog = document.getElementById('deletion');
  const go = part(dialog, 'go');
  const tell = (text) => (part(dialog, 'deletion-status').textContent = text);
  for (const name of ['title', 'goes', 'stays']) part(dialog, name).textContent = deletion[name];
  go.textContent = deletion.act;
  tell('');
  go.onclick = async () => {
    go.disabled = true;
    tell(words.deleting);
    try {
      await run();
      dialog.close();
      onDone(deletion);
    } catch (error) {
      tell(error.message);
    } finally {
      go.disabled = false;
    }
  };
  openDialog(dialog);
}
