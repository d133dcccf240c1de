// English: every word of the chat page.
const HOUR_S = 3600;
const DAY_MS = 86_400_000;
const { hourCycle } = new Intl.DateTimeFormat([], { hour: 'numeric' }).resolvedOptions(); // 13:00 or 1 PM
const MONTH = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric' });

const number = (value) => value.toLocaleString('en');
const many = (count, one, more) => (count === 1 ? `1 ${one}` : `${number(count)} ${more}`);

function clock(date) {
  const days = (date - Date.now()) / DAY_MS;
  const day = days < 1 ? {} : days < 6 ? { weekday: 'short' } : { month: 'short', day: 'numeric' };
  return date.toLocaleString('en', { hour: 'numeric', minute: '2-digit', hourCycle, ...day });
}

const WINDOWS = { 60: 'minute', 3600: 'hour', 86_400: 'day', 2_592_000: 'month', 31_104_000: 'year' };
const per = (seconds) => `per ${WINDOWS[seconds] ?? `${number(seconds / 60)} minutes`}`;
const at = (date) => `${date - Date.now() < DAY_MS ? 'at' : 'on'} ${clock(date)}`;

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

export default {
  language: 'en',
  direction: 'ltr',

  // Controls: the page asks for these by data-word, data-label and data-hint.
  skipToComposer: 'Skip to the message box',
  newChat: 'New chat',
  guide: 'Key guide',
  sidebar: 'Chats',
  openSidebar: 'Show the list of chats',
  closeSidebar: 'Hide the list of chats',
  temporary: 'Temporary chat',
  settings: 'Settings',
  model: 'Model',
  composer: 'Message',
  placeholder: 'Ask anything',
  send: 'Send',
  stop: 'Stop the reply',
  jumpToLatest: 'Jump to latest',
  conversation: 'Conversation',
  greeting: 'What would you like to know?',
  suggestions: 'Suggested questions',
  you: 'You said',
  assistant: 'The answer',
  reasoning: 'How it thought',
  copyMessage: 'Copy message',
  edit: 'Edit',
  editMessage: 'Edit your message',
  editNote: 'The answer so far stays as another version.',
  notNow: 'Not yet: wait until the answer, or the pause, is over.',
  cancel: 'Cancel',
  sendEdited: 'Send',
  answerAgain: 'Answer again',
  versions: 'Versions',
  olderVersion: 'Version before',
  newerVersion: 'Version after',
  versionOf: (place, count) => `${number(place)} / ${number(count)}`,
  earlier: 'Earlier messages',
  temporaryNote: 'Nothing of this chat is kept: it is in no list, and gone when you leave it.',
  keptAgain: 'A chat that is kept.',
  temporaryFootnote: 'Temporary chat: nothing of it is kept. A machine answers, and it can be wrong.',
  footnote: 'A machine answers, and it can be wrong. Never paste a key or a password here.',
  title: (chat, site) => `${chat} · ${site}`,

  // The list of chats.
  searchChats: 'Search chats',
  nothingFound: 'Nothing found',
  found: (count, hasMore) => (hasMore ? `${number(count)} or more chats found` : `${many(count, 'chat', 'chats')} found`),
  noChats: 'Your chats will be listed here.',
  days: { today: 'Today', yesterday: 'Yesterday', week: 'Last 7 days', month: 'Last 30 days' },
  monthOf: (time) => MONTH.format(time),
  live: 'Answer under way',
  chatMenu: (title) => `Options for “${title}”`,
  chatOptions: 'Options',
  rename: 'Rename',
  chatTitle: 'Title of the chat',
  titleEmpty: 'A title needs at least one character.',
  exportMarkdown: 'Export as Markdown',
  exportJson: 'Export as JSON',
  deleteChat: 'Delete',
  deleted: (title) => `Deleted “${title}”`,
  deletedSaid: (title) => `Deleted “${title}”. Control or Command with Z brings it back.`,
  undo: 'Undo',
  undoDeleting: (title) => `Undo deleting “${title}”`,
  restored: (title) => `“${title}” is back.`,
  deleteFailed: (title, why) => `“${title}” was not deleted. ${why}`,

  modes: {
    tutor: {
      title: 'Built-in tutor.',
      text: 'Answers come from this app’s own guide, not from ChatGPT.',
      greeting: 'Learn to keep an API key safe',
      questions: ['What is an API key?', 'Why must a key never reach the browser?', 'Where do I keep my key?', 'My key leaked. What now?'],
    },
  },
  tutorLink: 'How to get a key',

  // Going live, for whoever runs the server: the steps are those of `flask setup`.
  goLive: 'Go live',
  goLiveAbout: 'For whoever runs this server. One command asks for all of it, and writes nothing before its last step. Run it where the app is:',
  goLiveSteps: [
    {
      name: 'The key',
      says: 'Paste it where nobody sees it. It goes into a file that only the server can read.',
      command: '.venv/bin/flask setup',
      more: 'How to get one',
    },
    { name: 'The proof', says: 'OpenAI is asked whether it takes the key. That call is free.', command: '.venv/bin/flask setup' },
    {
      name: 'The budget',
      says: 'Choose the most that a day and a month may cost, and see the worst case.',
      command: '.venv/bin/flask setup',
      more: 'How budgets work',
    },
    { name: 'The access code', says: 'Let everybody in, or only those who know a code.', command: '.venv/bin/flask setup' },
    {
      name: 'The admin password',
      says: 'It opens your desk at /admin, where you see what is spent and can stop it.',
      command: '.venv/bin/flask setup',
    },
    { name: 'The check', says: 'The doctor looks at all of it once more. Then start the app.', command: 'make run' },
  ],
  copyCommand: (command) => `Copy “${command}”`,

  characters: (count, limit) => `${number(count)} of ${number(limit)} characters`,
  tooLong: (over) => `Too long by ${many(over, 'character', 'characters')}`,
  paused: (until) =>
    `The assistant is paused ${until ? `until about ${clock(until)}` : 'for now'}. Your draft is kept; you can send it when the pause ends.`,
  messagesLeft: (left, until) => `${left ? many(left, 'message', 'messages') : 'No messages'} left until ${clock(until)}`,
  shareLeft: (share, resetsAt) =>
    `${share < 0.01 ? 'Less than 1%' : `About ${Math.floor(share * 100)}%`} of the allowance is left; it resets ${at(resetsAt)}.`,

  // The sheet with all of the allowance, and its button.
  allowance: 'Allowance',
  allowanceAbout: {
    live: 'What you may still use. It comes back by itself.',
    tutor: 'The built-in tutor answers: no money is spent.',
    paused: 'The assistant is paused: nothing is used up meanwhile.',
  },
  allowanceUnknown: 'What is left is not known right now.',
  limits: {
    visitor: (seconds) => `Your messages ${per(seconds)}`,
    network: (seconds) => `Your network’s messages ${per(seconds)}`,
    site: (seconds) => `All visitors’ messages ${per(seconds)}`,
  },
  money: 'Money for answers',
  tokens: 'Tokens (pieces of text)',
  leftOf: (left, limit) => `${number(left)} of ${number(limit)} left`,
  messagesOf: (left, limit) => `${number(left)} of ${many(limit, 'message', 'messages')} left`,
  allowanceLeft: (share) => `${Math.floor(share * 100)}% of the allowance left`,
  aboutLeft: (share) => (share <= 0 ? 'Nothing left' : share < 0.01 ? 'Less than 1% left' : `${Math.floor(share * 100)}% left`),
  moreAt: (date) => `more ${at(date)}`,
  anewAt: (date) => `starts anew ${at(date)}`,

  connection: {
    offline: 'You are offline. What you write is kept.',
    away: 'The server cannot be reached. What you write is kept.',
    reconnecting: 'The connection dropped. Reconnecting …',
    back: 'The connection is back.',
  },

  // Settings.
  close: 'Close',
  colours: 'Colours',
  coloursSystem: 'System',
  coloursLight: 'Light',
  coloursDark: 'Dark',
  textSize: 'Size of the text',
  textSmall: 'Small',
  textNormal: 'Normal',
  textLarge: 'Large',
  textLarger: 'Larger',
  enterKey: 'The Enter key',
  enterSends: 'Sends',
  enterBreaks: 'Breaks the line',
  enterNote: 'Shift+Enter always breaks the line. Ctrl+Enter, or ⌘+Enter on a Mac, always sends.',
  yourData: 'Your data',
  takeAlong: 'Your chats in a file',
  takeAlongNote: 'All chats in one zip. The same file brings them back, here or elsewhere.',
  exportChats: 'Export all',
  importChats: 'Import …',
  importing: 'Importing …',
  imported: ({ imported, skipped }) =>
    `${many(imported, 'chat was', 'chats were')} imported.${skipped ? ` ${many(skipped, 'was', 'were')} here already.` : ''}`,
  deleteChats: 'Delete all chats …',
  deleteChatsNote: 'Every chat of yours on this server.',
  forgetMe: 'Delete my data …',
  forgetMeNote: 'All chats, and whatever on this server leads to you.',
  deletions: {
    chats: {
      title: 'Delete all chats?',
      goes: 'All your chats are deleted for good, with every version of every answer. An answer under way is stopped.',
      stays: 'What they cost stays on the server’s books, and this browser stays known to it. Backups, and what OpenAI was sent, cannot be called back from here.',
      act: 'Delete all chats',
      done: 'All your chats are deleted.',
    },
    me: {
      title: 'Delete my data?',
      goes: 'All your chats are deleted for good, with the cookie by which the server knows this browser, and with the drafts and settings kept here. Nothing on the server’s books leads to you any more.',
      stays: 'What was spent stays there, but not by whom. Backups, and what OpenAI was sent, cannot be called back from here. Files that you exported are yours.',
      act: 'Delete my data',
      done: 'Your data are deleted. To this server you are somebody new.',
    },
  },
  deleting: 'Deleting …',

  // The keyboard.
  shortcuts: 'Keyboard shortcuts',
  shortcut: {
    newChat: 'New chat',
    search: 'Search the chats',
    toggleSidebar: 'Show or hide the list of chats',
    copyLastCode: 'Copy the last code block',
    showShortcuts: 'These shortcuts',
    focusComposer: 'To the message box',
    stop: 'Stop the reply',
    send: 'Send the message',
    breakLine: 'Break the line',
    editLast: 'Edit the last question, in an empty box',
  },
  keys: { Mod: 'Ctrl', Shift: 'Shift', Escape: 'Esc', ArrowUp: '↑', Enter: 'Enter' },
  macKeys: { Mod: '⌘', Shift: '⇧', Escape: 'esc', ArrowUp: '↑', Enter: '↩' },

  // A draft that holds a key.
  keyFound: 'This message holds something shaped like an API key, so it was neither sent nor kept.',
  keyIfReal: 'If it is real:',
  keyGuide: 'what to do when a key leaks',
  cutKey: 'Remove the key',
  keyCut: 'The key is out. The rest of your message is in the box.',

  // While a reply runs, for screen readers.
  answering: 'Answering',
  stillAnswering: 'Still answering',
  finished: 'Finished.',

  // How a reply ended.
  ended: { stopped: 'Stopped', interrupted: 'Interrupted' },
  cut: { length: 'Cut at the length limit', 'content-filter': 'Cut by the content filter' },
  keptShort: 'Kept short: little of the allowance was left',
  leftOut: (turns) => `${many(turns, 'earlier message', 'earlier messages')} left out to make room`,
  unfinished: 'This question has no complete answer.',

  pageBroken: 'This page did not load completely.',
  loadAgain: 'Load it again',

  // Errors without words of the server's own, and ways on.
  offline: 'The server could not be reached. Your message is back in the box; check the connection and send it again.',
  unreachable: 'The server could not be reached. Check the connection and try again.',
  connectionLost: 'The connection was lost and did not come back. The answer may be complete on the server.',
  unexpected: (status) => `The server answered with an error (${status}). Please try again.`,
  notFound: 'There is no such conversation, or it is not yours.',
  retry: 'Try again',
  goOn: 'Continue',
  reopen: 'Load the conversation again',
  startOver: 'Start a new chat',
  readyIn: (seconds) =>
    `You can go on ${seconds < HOUR_S ? `in ${duration(seconds)}` : `from ${clock(new Date(Date.now() + seconds * 1000))}`}.`,
  ready: 'You can go on now.',
  canSendAgain: 'You can send again.',
  canRetry: 'You can try again.',

  // Inside answers.
  copy: 'Copy',
  copied: 'Copied',
  copyFailed: 'Copying did not work',
  download: 'Download',
  image: (description, host) => `${description ? `${description} ` : ''}(image on ${host})`,
  code: (language) => (language ? `Code, ${language}` : 'Code'),
  plainCode: 'text',
  table: 'Table',
  formula: 'Formula',
  task: { true: 'done', false: 'to do' },
};
