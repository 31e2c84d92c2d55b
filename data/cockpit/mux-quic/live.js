/* What changes all the time: round-trip time, lost packets, bytes. They are asked for once a second, of the sessions that are on
 * the screen, and only while the page can be seen; a session that has not answered yet is not asked again.
 *
 * `of (path)` is { details, samples }: the last answer, and { rtt, lost } for each of the last LENGTH seconds, the newest last;
 * `lost` counts what was lost in that second. A second without an answer is null. */
const PERIOD_MS = 1000;
export const LENGTH = 60;

const NOTHING = Object.freeze({ details: {}, samples: [] });

export class Live extends EventTarget {
  #host;
  #visible;
  #records = new Map();
  #asked = new Set();
  #timer = 0;
  #turns = 0; /* of the clock, those that passed unseen included */
  #paused = 0;

  /* `visible ()`: the paths of the sessions on the screen. */
  constructor(host, visible) {
    super();
    this.#host = host;
    this.#visible = visible;
    host.addEventListener("left", event => this.#records.delete(event.detail.object));
    cockpit.addEventListener("visibilitychange", () => this.run(this.wanted));
  }

  wanted = false;

  /* Whether this host is the one that is looked at. */
  run(wanted) {
    const due = wanted && !cockpit.hidden;

    this.wanted = wanted;
    if (due === (this.#timer !== 0))
      return;
    window.clearInterval(this.#timer);
    this.#timer = 0;
    if (!due) {
      this.#paused = performance.now();
      return;
    }
    this.#turns += Math.round((performance.now() - this.#paused) / PERIOD_MS);
    this.#timer = window.setInterval(() => this.#turn(), PERIOD_MS);
    this.#turn();
  }

  of(path) {
    return this.#records.get(path) ?? NOTHING;
  }

  #turn() {
    this.#turns++;
    if (this.#host.state !== "running")
      this.#records.clear();
    else
      for (const path of this.#visible())
        if (!this.#asked.has(path))
          this.#ask(path);
    this.dispatchEvent(new Event("turn"));
  }

  async #ask(path) {
    const turn = this.#turns;

    this.#asked.add(path);
    try {
      const details = await this.#host.describe(path);

      if (this.#host.sessions.has(path))
        this.#note(path, details, turn);
    } catch {
      /* It is gone, or the host is: their signals say so. */
    } finally {
      this.#asked.delete(path);
    }
  }

  #note(path, details, turn) {
    const record = this.#records.get(path) ?? { details: {}, samples: [], turn: turn - 1 };
    const missed = Math.min(LENGTH, turn - record.turn - 1);
    /* The counters begin anew with another connection. */
    const lost = record.details.lost <= details.lost ? details.lost - record.details.lost : 0;

    for (let i = 0; i < missed; i++)
      record.samples.push(null);
    record.samples.push(details.rtt === undefined ? null : { rtt: details.rtt, lost });
    record.samples.splice(0, record.samples.length - LENGTH);
    record.details = details;
    record.turn = turn;
    this.#records.set(path, record);
    this.dispatchEvent(new CustomEvent("answer", { detail: path }));
  }
}
