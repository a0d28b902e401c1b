/** Numbers, dates and sizes in the language of the page. */

const KILOBYTE = 1000;

/** US dollars as people write them: cents where there are cents, more places for less. */
export function formatUsd(usd: number, language: string): string {
  const places = usd === 0 || usd >= 0.1 ? 2 : usd >= 0.0001 ? 4 : 6;
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency: "USD",
    minimumFractionDigits: 2,
    maximumFractionDigits: places,
  }).format(usd);
}

/** A moment as people write it. */
export function formatDateTime(iso: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

/** Seconds as people write them: one place. */
export function formatSeconds(value: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: value < 0.1 ? 2 : 1 }).format(value);
}

/** A file's size as people say it. */
export function bytes(size: number, language: string): string {
  const [value, unit] = size < KILOBYTE * KILOBYTE ? [size / KILOBYTE, "kilobyte"] : [size / KILOBYTE ** 2, "megabyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumSignificantDigits: 3 }).format(value);
}
