/* What numbers and times look like, in the language that Cockpit speaks. Everything is a string; what is not known is "–". */
export const _ = cockpit.gettext;
export const ngettext = cockpit.ngettext;
export const format = cockpit.format;

export const UNKNOWN = "–";

/* Catalogues have names that Intl need not know ("sr@latin"). */
function tag(name) {
  try {
    return Intl.getCanonicalLocales(name.replace("_", "-"))[0];
  } catch {
    return "en";
  }
}

const language = tag(cockpit.language || "en");
document.documentElement.lang = language;

const plain = new Intl.NumberFormat(language);
const milliseconds = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const days = new Intl.DateTimeFormat(language, { dateStyle: "medium" });

const units = (unit, digits) =>
  new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits });

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"].map((unit, i) => units(unit, i === 0 ? 0 : 1));
/* Each with its length in seconds, the longest first. */
const SPANS = [["year", 31536000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]].map(([unit, length]) =>
  ({ length, number: units(unit, 0) }));

/* Unix seconds. */
export const now = () => Date.now() / 1000;

export const known = value => value !== undefined && value !== null && value !== "";

export const count = value => known(value) ? plain.format(value) : UNKNOWN;

export const rtt = value => known(value) ? format(_("$0 ms"), milliseconds.format(value)) : UNKNOWN;

export function size(bytes) {
  if (!known(bytes))
    return UNKNOWN;
  const power = Math.min(SIZES.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return SIZES[power].format(bytes / 1000 ** power);
}

/* Of a length in seconds its two largest units: "3 hr 12 min". */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const first = SPANS.findIndex(({ length }) => whole >= length);

  if (first < 0)
    return SPANS.at(-1).number.format(0);
  const { length, number } = SPANS[first];
  const rest = SPANS[first + 1] && Math.floor(whole % length / SPANS[first + 1].length);
  const large = number.format(Math.floor(whole / length));
  return rest ? `${large} ${SPANS[first + 1].number.format(rest)}` : large;
}

export const moment = time => known(time) && time > 0 ? moments.format(time * 1000) : UNKNOWN;

export const day = time => known(time) && time > 0 ? days.format(time * 1000) : UNKNOWN;

export const ago = time => known(time) && time > 0 ? format(_("$0 ago"), span(now() - time)) : UNKNOWN;

/* How long a certificate has still to live. */
export function until(time) {
  if (!known(time) || time <= 0)
    return UNKNOWN;
  return time <= now() ? format(_("$0 ago"), span(now() - time)) : format(_("in $0"), span(time - now()));
}
