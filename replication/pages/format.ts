import type { Language } from './language.ts';

/** Times, counts and durations as people write them. */

const ISO_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** A time by the reader's own clock and zone. */
export function formatTime(iso: string, language: Language): string {
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date().toDateString();
  return at.toLocaleString(localeOf(language), isToday ? { timeStyle: 'medium' } : TO_THE_MINUTE);
}

const TO_THE_MINUTE = { dateStyle: 'medium', timeStyle: 'short' } as const;

/** A sentence of the API, with the times in it as the reader writes them. */
export function formatReason(reason: string, language: Language): string {
  const sentence = reason.replace(ISO_TIME, (iso) => formatTime(iso, language));
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** What a person can do nothing with: who has a session's id may work in it, and a hash says nothing. */
const UNSHOWN = new Set(['sessionId', 'answersHash']);

/** The details of an entry of a log: names and values, with times as the reader writes them. */
export function formatDetails(details: object, language: Language): string {
  return Object.entries(details)
    .filter(([name]) => !UNSHOWN.has(name))
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
    .replace(ISO_TIME, (iso) => formatTime(iso, language));
}

export function formatCount(count: number, language: Language): string {
  return count.toLocaleString(localeOf(language));
}

/** A length of time in one or two units: `2 days, 3 hr`, `25 min`, `40 sec`. */
export function formatSpan(ms: number, language: Language): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  const [first = 0, next = 0, unit, nextUnit] =
    seconds >= DAY
      ? [Math.floor(seconds / DAY), Math.floor((seconds % DAY) / HOUR), 'day', 'hour']
      : seconds >= HOUR
        ? [Math.floor(seconds / HOUR), Math.floor((seconds % HOUR) / MINUTE), 'hour', 'minute']
        : seconds >= MINUTE
          ? [Math.ceil(seconds / MINUTE), 0, 'minute', 'second']
          : [seconds, 0, 'second', 'second'];
  const format = (count: number, of: string) =>
    count.toLocaleString(localeOf(language), { style: 'unit', unit: of, unitDisplay: 'short' });
  return next === 0 ? format(first, unit) : `${format(first, unit)} ${format(next, nextUnit)}`;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `1:02:03`, or `02:03` below an hour. */
export function formatClock(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown
    .map((part, place) => (place === 0 && parts[0] ? part : String(part).padStart(2, '0')))
    .join(':');
}

/** English is written as in most of the world: the day before the month, hours to 24. */
function localeOf(language: Language): string {
  return language === 'en' ? 'en-GB' : language;
}
