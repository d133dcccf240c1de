// Under which heading a chat stands: by the days of the visitor's calendar, then by months.
import { words } from '../page/words.js';

const RECENT = [[0, 'today'], [1, 'yesterday'], [7, 'week'], [30, 'month']]; // since so many days ago

/** A function that tells the heading for a time in milliseconds, as things stand today. */
export function dayNamer(today = new Date()) {
  const midnight = (daysAgo) => new Date(today.getFullYear(), today.getMonth(), today.getDate() - daysAgo).getTime();
  const recent = RECENT.map(([daysAgo, name]) => [midnight(daysAgo), words.days[name]]);
  return (time) => recent.find(([since]) => time >= since)?.[1] ?? words.monthOf(time);
}
