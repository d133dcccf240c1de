// The page's first steps: the message box and the keys work at once, while the rest of the page is loaded.
import { Composer } from './composer/composer.js';
import { chatInAddress } from './page/address.js';
import { Announcer } from './page/announcer.js';
import { part } from './page/dom.js';
import { listenForShortcuts } from './page/shortcuts.js';
import { applyWords } from './page/words.js';

applyWords();

const canHover = matchMedia('(hover: hover)').matches; // elsewhere focus opens a keyboard over half the page
const announcer = new Announcer(part(document, 'status'));
const composer = new Composer(part(document, 'composer'), {
  onSend: (text) => rest.then((page) => page.conversation.send(text)),
  onStop: () => rest.then((page) => page.conversation.stop()),
  onEditLast: () => rest.then((page) => page.conversation.editLast()),
  say: (text) => announcer.say(text),
});
const focusComposer = () => composer.focus();
const rest = import('./chat.js').then(({ ChatPage }) => new ChatPage({ composer, announcer, canHover }));

rest.catch(() => (part(document, 'broken').hidden = false));
part(document, 'load-again').addEventListener('click', () => location.reload());
listenForShortcuts({
  newChat: () => rest.then((page) => page.startOver()),
  search: () => rest.then((page) => page.sidebar.focusSearch()),
  toggleSidebar: () => rest.then((page) => page.sidebar.toggle()),
  copyLastCode: () => rest.then((page) => page.copyLastCode()),
  showShortcuts: () => rest.then((page) => page.showShortcuts()),
  stop: () => rest.then((page) => page.conversation.stop()),
  focusComposer,
});
composer.begin(chatInAddress());
if (canHover) focusComposer();
