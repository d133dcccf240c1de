// English: every word of the chat page.
const HOUR_S = 3600;
const DAY_MS = 86_400_000;
const { hourCycle } = new Intl.DateTimeFormat([], { hour: 'numeric' }).resolvedOptions(); // 13:00 or 1 PM

const number = (value) => value.toLocaleString('en');
const many = (count, one, more) => (count === 1 ? `1 ${one}` : `${number(count)} ${more}`);

function clock(date) {
  const days = (date - Date.now()) / DAY_MS;
  const day = days < 1 ? {} : days < 6 ? { weekday: 'short' } : { month: 'short', day: 'numeric' };
  return date.toLocaleString('en', { hour: 'numeric', minute: '2-digit', hourCycle, ...day });
}

const at = (date) => `${date - Date.now() < DAY_MS ? 'at' : 'on'} ${clock(date)}`;

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

export default {
  // Controls: the page asks for these by data-word, data-label and data-hint.
  skipToComposer: 'Skip to the message box',
  newChat: 'New chat',
  guide: 'Key guide',
  sidebar: 'Chats',
  openSidebar: 'Show the list of chats',
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
  footnote: 'Answers can be wrong. Never paste a key or a password here.',
  theme: { system: 'Colours: as the system', light: 'Colours: light', dark: 'Colours: dark' },
  appName: 'Turnkey Chat',
  title: (chat) => `${chat} · Turnkey Chat`,

  modes: {
    tutor: {
      title: 'Built-in tutor.',
      text: 'Answers come from this app’s own guide, not from ChatGPT. To go live, put OPENAI_API_KEY in the server’s .env file or environment and restart.',
      greeting: 'Learn to keep an API key safe',
      questions: ['What is an API key?', 'Why must a key never reach the browser?', 'Where do I keep my key?', 'My key leaked. What now?'],
    },
  },
  tutorLink: 'How to get a key',

  characters: (count, limit) => `${number(count)} of ${number(limit)} characters`,
  tooLong: (over) => `Too long by ${many(over, 'character', 'characters')}`,
  paused: (until) =>
    `The assistant is paused ${until ? `until about ${clock(until)}` : 'for now'}. Your draft is kept; you can send it when the pause ends.`,
  messagesLeft: (left, until) => `${left ? many(left, 'message', 'messages') : 'No messages'} left until ${clock(until)}`,
  shareLeft: (share, resetsAt) =>
    `${share < 0.01 ? 'Less than 1%' : `About ${Math.floor(share * 100)}%`} of the allowance is left; it resets ${at(resetsAt)}.`,

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
  reconnecting: 'The connection dropped. Reconnecting …',

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
  image: (description, host) => `${description ? `${description} ` : ''}(image on ${host})`,
  code: (language) => (language ? `Code, ${language}` : 'Code'),
  plainCode: 'text',
  table: 'Table',
  task: { true: 'done', false: 'to do' },
};
