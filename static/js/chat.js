// Puts the chat page together: the conversation, the list of chats, what the server says of itself, the dialogs.
import { Conversation } from './conversation/conversation.js';
import { Earlier } from './conversation/earlier.js';
import { Transcript } from './conversation/transcript.js';
import { actOnCode, copyCode } from './markdown/code-actions.js';
import { chatInAddress, goTo, nameChat } from './page/address.js';
import { say } from './page/announcer.js';
import { part } from './page/dom.js';
import { EndFollower } from './page/scroll.js';
import { words } from './page/words.js';
import { ServerState } from './server/server-state.js';
import { Sidebar } from './sidebar/sidebar.js';

/** Its methods without `#` are what buttons and shortcuts do, by their names. */
export class ChatPage {
  send = (text) => this.#conversation.send(text);
  stop = () => this.#conversation.stop();
  editLast = () => this.#conversation.editLast();
  search = () => this.#sidebar.focusSearch();
  toggleSidebar = () => this.#sidebar.toggle();
  copyLastCode = () => copyCode();
  #composer;
  #conversation;
  #server;
  #sidebar;
  #tabs = new BroadcastChannel('chats'); // the other tabs of this browser, told when a chat has changed

  constructor({ composer, canHover }) {
    const list = part(document, 'transcript');
    const returnFocus = () => canHover && composer.focus();
    const transcript = new Transcript(list, (name, message, button) => this.#conversation.act(name, message, button));
    this.#composer = composer;
    this.#server = new ServerState(composer);
    this.#sidebar = new Sidebar(part(document, 'sidebar'), {
      onOpen: (chat) => {
        goTo(chat);
        this.#conversation.open(chat);
      },
      onGone: (chat) => {
        this.#tellTabs({ chat });
        if (this.#conversation.chat === chat) this.newChat();
      },
      onRenamed: (chat, title, isNews) => {
        if (this.#conversation.chat === chat) nameChat(title);
        if (isNews) this.#tellTabs({ chat, title });
      },
    });
    this.#conversation = new Conversation({
      composer,
      transcript,
      returnFocus,
      server: this.#server,
      earlier: new Earlier(part(document, 'earlier'), transcript),
      follower: new EndFollower(list, part(document, 'jump'), returnFocus),
      onChange: (chat) => {
        part(document, 'temporary').setAttribute('aria-pressed', chat.temporary);
        this.#sidebar.show(chat);
        if (chat.changed) this.#tellTabs({ chat: chat.id, end: transcript.end });
      },
      startOver: () => this.newChat(),
    });
    this.#tabs.onmessage = ({ data: { chat, title, end } }) => {
      const isShown = [null, this.#conversation.chat].includes(chat);
      if (isShown && title) {
        nameChat(title);
        this.#sidebar.show({ id: chat, title }); // the list may never have been opened here
      } else if (isShown && end !== transcript.end) this.#conversation.lookAgain();
      this.#sidebar.refreshSoon();
    };
    list.addEventListener('click', ({ target }) => actOnCode(target));
    window.addEventListener('popstate', () => this.#follow(chatInAddress()));
    this.#conversation.open(chatInAddress());
  }

  newChat({ temporary = false } = {}) {
    goTo(null);
    this.#composer.focus();
    return this.#conversation.open(null, { temporary });
  }

  switchTemporary() {
    const temporary = !this.#conversation.temporary;
    say(temporary ? words.temporaryNote : words.keptAgain);
    return this.newChat({ temporary });
  }

  showAllowance() {
    return this.#openLate(import('./server/allowance-sheet.js'), (sheet) => this.#server.openAllowance(sheet));
  }

  showShortcuts() {
    return this.#openLate(import('./settings/shortcuts-sheet.js'), ({ showShortcuts }) => showShortcuts());
  }

  showGoLive() {
    return this.#openLate(import('./settings/go-live.js'), ({ showGoLive }) => showGoLive());
  }

  showSettings() {
    const onDeleted = () => {
      this.newChat();
      this.#sidebar.startOver();
      this.#server.refresh();
      this.#tellTabs({ chat: null });
    };
    const onImported = () => this.#sidebar.refresh();
    return this.#openLate(import('./settings/settings.js'), ({ showSettings }) => showSettings({ onImported, onDeleted }));
  }

  async #openLate(loading, open) {
    try {
      open(await loading);
    } catch {
      say(words.unreachable);
      this.#server.refresh(); // which shows it, if that is for want of a connection
    }
  }

  // `chat`: null for all of them. `title`: its new one, and nothing else has changed. `end`: a tab that listened as well
  // has seen the same, and need not ask.
  #tellTabs({ chat, title, end }) {
    this.#tabs.postMessage({ chat, title, end });
  }

  // A mere #fragment, as of the skip link, is no other chat.
  #follow(chat) {
    if (chat !== this.#conversation.keptChat) this.#conversation.open(chat);
  }
}
