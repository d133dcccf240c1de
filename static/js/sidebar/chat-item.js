// One chat of the list: a link with its title, where a search found its words, and the button of its menu.
import { copyTemplate, part } from '../page/dom.js';
import { label, words } from '../page/words.js';
import { marked } from './finds.js';

export class ChatItem {
  node = copyTemplate('chat-item');
  link = part(this.node, 'link');
  menuButton = part(this.node, 'open-menu');
  #query;

  constructor(chat, query) {
    this.#query = query;
    this.show(chat);
  }

  show(chat) {
    const title = part(this.node, 'title');
    const snippet = part(this.node, 'snippet');
    this.chat = chat;
    this.node.dataset.chat = chat.id;
    this.link.href = `/c/${chat.id}`;
    title.title = chat.title; // it may be cut
    title.replaceChildren(...marked(chat.title, this.#query));
    snippet.replaceChildren(...marked(chat.snippet ?? '', this.#query));
    snippet.hidden = !chat.snippet;
    part(this.node, 'live').hidden = !chat.live;
    label(this.menuButton, words.chatMenu(chat.title));
  }

  set isCurrent(is) {
    this.node.classList.toggle('current', is);
    if (is) this.link.setAttribute('aria-current', 'page');
    else this.link.removeAttribute('aria-current');
  }
}
