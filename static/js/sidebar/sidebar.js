// The list of the visitor's chats beside the conversation.

export class Sidebar {
  /** `onOpen(chat)`: a chat was chosen; `onGone(chat)`, `onRenamed(chat, title)`: it was deleted or renamed here; `say(text)` speaks to screen readers. */
  constructor(node, { onOpen, onGone, onRenamed, say }) {}

  /** The page shows this chat now, or it has changed: `{id, title, temporary}`; `id` null: a chat not yet begun. */
  show(chat) {}

  /** Opens the list, or puts it away. */
  toggle() {}

  /** Opens the list with the search box focused. */
  focusSearch() {}
}
