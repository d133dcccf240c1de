// Puts the chat page together: the conversation, the list of chats, what the server says of itself, the dialogs.
import { Conversation } from './conversation/conversation.js';
import { Earlier } from './conversation/earlier.js';
import { Transcript } from './conversation/transcript.js';
import { actOnCode, copyCode } from './markdown/code-actions.js';
import { chatInAddress, goTo, nameChat } from './page/address.js';
import { part } from './page/dom.js';
import { EndFollower } from './page/scroll.js';
import { words } from './page/words.js';
import { ServerState } from './server/server-state.js';
import { Sidebar } from './sidebar/sidebar.js';

export class ChatPage {
  copyLastCode = () => copyCode();
  #composer;
  #say;
  #tabs = new BroadcastChannel('chats'); // the other tabs of this browser, told when a chat has changed

  constructor({ composer, announcer, canHover }) {
    const say = (text) => announcer.say(text);
    const list = part(document, 'transcript');
    const returnFocus = () => canHover && composer.focus();
    const transcript = new Transcript(list, (name, message, button) => this.conversation.act(name, message, button));
    this.#composer = composer;
    this.#say = say;
    this.server = new ServerState({ composer, say });
    this.sidebar = new Sidebar(part(document, 'sidebar'), {
      say,
      onOpen: (chat) => this.#open(chat),
      onGone: (chat) => {
        this.#tellTabs(chat);
        if (this.conversation.chat === chat) this.startOver();
      },
      onRenamed: (chat, title) => this.conversation.chat === chat && nameChat(title),
    });
    this.conversation = new Conversation({
      composer,
      announcer,
      transcript,
      returnFocus,
      server: this.server,
      earlier: new Earlier(part(document, 'earlier'), transcript, say),
      follower: new EndFollower(list, part(document, 'jump'), returnFocus),
      onChange: (chat) => {
        part(document, 'temporary').setAttribute('aria-pressed', chat.temporary);
        this.sidebar.show(chat);
        if (chat.changed) this.#tellTabs(chat.id);
      },
      startOver: () => this.startOver(),
    });
    this.#tabs.onmessage = ({ data }) => {
      if ([null, this.conversation.chat].includes(data)) this.conversation.lookAgain();
      this.sidebar.refresh();
    };
    list.addEventListener('click', ({ target }) => actOnCode(target));
    window.addEventListener('popstate', () => this.#follow(chatInAddress()));
    this.conversation.open(chatInAddress());
  }

  startOver({ temporary = false } = {}) {
    goTo(null);
    this.#composer.focus();
    return this.conversation.open(null, { temporary });
  }

  switchTemporary() {
    const temporary = !this.conversation.temporary;
    this.#say(temporary ? words.temporaryNote : words.keptAgain);
    return this.startOver({ temporary });
  }

  showShortcuts() {
    return this.#openLate(import('./settings/shortcuts-sheet.js'), ({ showShortcuts }) => showShortcuts());
  }

  showGoLive() {
    return this.#openLate(import('./settings/go-live.js'), ({ showGoLive }) => showGoLive());
  }

  showSettings() {
    const onDeleted = () => {
      this.startOver();
      this.sidebar.startOver();
      this.server.refresh();
      this.#tellTabs(null);
    };
    const onImported = () => this.sidebar.refresh();
    return this.#openLate(import('./settings/settings.js'), ({ showSettings }) => showSettings({ onImported, onDeleted }));
  }

  async #openLate(loading, open) {
    try {
      open(await loading);
    } catch {
      this.server.refresh(); // which tells it, if that is for want of a connection
    }
  }

  // `chat`: null for all of them.
  #tellTabs(chat) {
    this.#tabs.postMessage(chat);
  }

  // A mere #fragment, as of the skip link, is no other chat.
  #follow(chat) {
    if (chat !== this.conversation.keptChat) this.conversation.open(chat);
  }

  #open(chat) {
    goTo(chat);
    return this.conversation.open(chat);
  }
}
