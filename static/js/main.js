// Puts the chat page together.
import { chatInAddress } from './address.js';
import { Announcer } from './announcer.js';
import { Composer } from './composer.js';
import { Conversation } from './conversation.js';
import { copyCode } from './copying.js';
import { part } from './dom.js';
import { EndFollower } from './scroll.js';
import { ServerState } from './server-state.js';
import { listenForShortcuts } from './shortcuts.js';
import { Transcript } from './transcript.js';
import { applyWords, label, words } from './words.js';

applyWords();

const [list, jump, theme] = ['transcript', 'jump', 'theme'].map((name) => part(document, name));
const canHover = matchMedia('(hover: hover)').matches; // elsewhere focus opens a keyboard over half the page
const announcer = new Announcer(part(document, 'status'));
const composer = new Composer(part(document, 'composer'), {
  onSend: (text) => conversation.send(text),
  onStop: () => conversation.stop(),
  say: (text) => announcer.say(text),
});
const server = new ServerState({
  composer,
  say: (text) => announcer.say(text),
  onQuestion: (text) => conversation.send(text),
});
const conversation = new Conversation({
  composer,
  server,
  transcript: new Transcript(list),
  announcer,
  follower: new EndFollower(list, jump, () => canHover && composer.focus()),
});

window.addEventListener('popstate', () => conversation.open(chatInAddress()));
listenForShortcuts({
  newChat: () => conversation.startOver(),
  copyLastCode: () => copyCode(),
  focusComposer: () => composer.focus(),
  stop: () => conversation.stop(),
});
list.addEventListener('click', ({ target }) => {
  if (target.matches('.code-copy')) copyCode(target.closest('.code'));
  if (target.matches('.go-on')) conversation.goOn();
});
part(document, 'new-chat').addEventListener('click', (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  conversation.startOver();
});
const nameTheme = () => label(theme, words.theme[document.documentElement.dataset.theme]);
theme.addEventListener('click', () => nameTheme(window.nextTheme()));

nameTheme();
server.refresh();
conversation.open(chatInAddress());
if (canHover) composer.focus();
