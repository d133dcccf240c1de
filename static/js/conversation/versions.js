// The control "2 / 3": which version of a message is read, and the ways to the one before and after it.
import { part } from '../page/dom.js';
import { words } from '../page/words.js';

/** Shows at `node` where the message `id` stands among its versions, `ids`, oldest first; alone it shows nothing. */
export function showVersions(node, id, ids) {
  const control = part(node, 'versions');
  const place = ids.indexOf(id);
  control.hidden = ids.length < 2 || place < 0;
  part(control, 'place').textContent = words.versionOf(place + 1, ids.length);
  part(control, 'older').disabled = place <= 0;
  part(control, 'newer').disabled = place >= ids.length - 1;
}
