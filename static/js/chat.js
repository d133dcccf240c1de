// Puts the chat page together: the conversation, the list of chats, what the server says of itself, the dialogs.
import { Conversation } from './conversation/conversation.js';
import { Transcript } from './conversation/transcript.js';
import { chatInAddress, goTo } from './page/address.js';
import { copyCode } from './page/copying.js';
import { part } from './page/dom.js';
import { EndFollower } from './page/scroll.js';
import { ServerState } from './server/server-state.js';
import { Sidebar } from './sidebar/sidebar.js';

export class ChatPage {
  #composer;

  constructor({ composer, announcer, canHover }) {
    const say = (text) => announcer.say(text);
    const list = part(document, 'transcript');
    const follower = new EndFollower(list, part(document, 'jump'), () => canHover && composer.focus());
    this.#composer = composer;
    this.server = new ServerState({ composer, say, onQuestion: (text) => this.conversation.send(text) });
    this.sidebar = new Sidebar(part(document, 'sidebar'), {
      say,
      onOpen: (chat) => this.#open(chat),
      onGone: (chat) => this.conversation.chat === chat && this.startOver(),
      onRenamed: (chat, title) => this.conversation.chat === chat && this.conversation.name(title),
    });
    this.conversation = new Conversation({
      composer,
      announcer,
      follower,
      server: this.server,
      transcript: new Transcript(list),
      onChange: (chat) => this.sidebar.show(chat),
      startOver: () => this.startOver(),
    });
    this.#listen(list);
    this.server.refresh();
    this.conversation.open(chatInAddress());
  }

  startOver() {
    goTo(null);
    this.#composer.focus();
    return this.conversation.open(null);
  }

  copyLastCode() {
    copyCode();
  }

  async showShortcuts() {
    const { showShortcuts } = await import('./settings/shortcuts-sheet.js');
    showShortcuts();
  }

  async showSettings() {
    const { showSettings } = await import('./settings/settings.js');
    showSettings({ server: this.server, onForgotten: () => this.startOver() });
  }

  #open(chat) {
    goTo(chat);
    return this.conversation.open(chat);
  }

  #listen(list) {
    const onClick = (name, act) => part(document, name)?.addEventListener('click', act);
    window.addEventListener('popstate', () => this.conversation.open(chatInAddress()));
    list.addEventListener('click', ({ target }) => {
      if (target.matches('.code-copy')) copyCode(target.closest('.code'));
    });
    onClick('open-sidebar', () => this.sidebar.toggle());
    onClick('open-settings', () => this.showSettings());
    onClick('open-shortcuts', () => this.showShortcuts());
    for (const link of document.querySelectorAll('[data-part="new-chat"]')) {
      link.addEventListener('click', (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.startOver();
      });
    }
  }
}
