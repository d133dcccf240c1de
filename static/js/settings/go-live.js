// The sheet of the steps from the tutor to a live app: those of `flask setup`, with its command and the next to copy.
import { copyOnClick } from '../page/copying.js';
import { openDialog } from '../page/dialog.js';
import { copyTemplate, part } from '../page/dom.js';
import { label, words } from '../page/words.js';

const GUIDE = ['/guide/get-a-key#create-the-key', null, '/guide/what-it-costs#budgets']; // by step
const sheet = document.getElementById('go-live');

export function showGoLive() {
  const [{ command: first }] = words.goLiveSteps;
  part(sheet, 'first').replaceChildren(commandRow(first));
  part(sheet, 'steps').replaceChildren(...words.goLiveSteps.map((step, at) => row(step, GUIDE[at], first)));
  openDialog(sheet);
}

function row({ name, says, command, more }, address, first) {
  const node = copyTemplate('go-live-step');
  part(node, 'name').textContent = name;
  part(node, 'says').textContent = says;
  if (address) Object.assign(part(node, 'more'), { href: address, textContent: more, hidden: false });
  if (command !== first) node.append(commandRow(command));
  return node;
}

function commandRow(command) {
  const node = copyTemplate('command');
  part(node, 'command').textContent = command;
  label(part(node, 'copy'), words.copyCommand(command));
  copyOnClick(part(node, 'copy'), () => command);
  return node;
}
