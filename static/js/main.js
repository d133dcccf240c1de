// The page's first steps: the message box and the keys work at once, while the rest of the page is loaded.
import { Composer } from './composer/composer.js';
import { chatInAddress, opensElsewhere } from './page/address.js';
import { part } from './page/dom.js';
import { listenForShortcuts } from './page/shortcuts.js';
import { welcome } from './page/welcome.js';
import { applyWords } from './page/words.js';

const { mode, suggestions } = document.body.dataset;
applyWords();
welcome(mode, suggestions.split('|').filter(Boolean));

const canHover = matchMedia('(hover: hover)').matches; // elsewhere focus opens a keyboard over half the page
const composer = new Composer(part(document, 'composer'), {
  onSend: send,
  onStop: () => act('stop'),
  onEditLast: () => act('editLast'),
});
document.head.append(part(document, 'rest').content); // its modules at once, not one import after the other
const rest = import('./chat.js').then(({ ChatPage }) => new ChatPage({ composer, canHover }));

/** What the page's buttons (by `data-action`) and its shortcuts do: mostly what the rest has by that name. */
function act(name) {
  if (name === 'focusComposer') composer.focus();
  else if (name === 'loadAgain') location.reload();
  else rest.then((page) => page[name](), () => {});
}

function send(text) {
  composer.set({ busy: true });
  rest.then((page) => page.send(text), () => composer.giveBack(text));
}

rest.catch(() => {
  composer.set({ busy: false, blocked: true });
  part(document, 'broken').hidden = false;
});
listenForShortcuts(act);
document.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-action], .suggestion');
  if (!pressed || (pressed.href && opensElsewhere(event))) return;
  event.preventDefault();
  if (pressed.matches('.suggestion')) send(pressed.textContent);
  else act(pressed.dataset.action);
});
composer.begin(chatInAddress());
if (canHover) composer.focus();
