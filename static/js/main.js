// The page's first steps: the message box and the keys work at once, while the rest of the page is loaded.
import { Composer } from './composer/composer.js';
import { chatInAddress, opensElsewhere } from './page/address.js';
import { Announcer } from './page/announcer.js';
import { part } from './page/dom.js';
import { listenForShortcuts } from './page/shortcuts.js';
import { welcome } from './page/welcome.js';
import { applyWords } from './page/words.js';

const { mode, suggestions } = document.body.dataset;
applyWords();
welcome(mode, suggestions.split('|').filter(Boolean));

const canHover = matchMedia('(hover: hover)').matches; // elsewhere focus opens a keyboard over half the page
const announcer = new Announcer(part(document, 'status'));
const composer = new Composer(part(document, 'composer'), {
  onSend: (text) => send(text),
  onStop: () => actions.stop(),
  onEditLast: () => actions.editLast(),
  say: (text) => announcer.say(text),
});
document.head.append(part(document, 'rest').content); // its modules at once, not one import after the other
const rest = import('./chat.js').then(({ ChatPage }) => new ChatPage({ composer, announcer, canHover }));
const then = (act) => () => rest.then(act, () => {});

/** What the page's buttons (by `data-action`) and its shortcuts do, once the rest of the page is there. */
const actions = {
  newChat: then((page) => page.startOver()),
  switchTemporary: then((page) => page.switchTemporary()),
  search: then((page) => page.sidebar.focusSearch()),
  toggleSidebar: then((page) => page.sidebar.toggle()),
  showAllowance: then((page) => page.server.openAllowance()),
  showSettings: then((page) => page.showSettings()),
  showShortcuts: then((page) => page.showShortcuts()),
  showGoLive: then((page) => page.showGoLive()),
  copyLastCode: then((page) => page.copyLastCode()),
  editLast: then((page) => page.conversation.editLast()),
  stop: then((page) => page.conversation.stop()),
  focusComposer: () => composer.focus(),
  loadAgain: () => location.reload(),
};

function send(text) {
  composer.set({ busy: true });
  rest.then((page) => page.conversation.send(text), () => composer.giveBack(text));
}

rest.catch(() => {
  composer.set({ busy: false, blocked: true });
  part(document, 'broken').hidden = false;
});
listenForShortcuts(actions);
document.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-action], .suggestion');
  if (!pressed || (pressed.href && opensElsewhere(event))) return;
  event.preventDefault();
  if (pressed.matches('.suggestion')) send(pressed.textContent);
  else actions[pressed.dataset.action]();
});
composer.begin(chatInAddress());
if (canHover) composer.focus();
