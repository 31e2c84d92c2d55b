/* One host as it is looked at: its tables, or a card while it does not run, and what is asked of it to fill them.
 *
 * new View (bus, page): page.stale () is called when there is something new to paint, page.tell (view, sentence) when something
 * happened that is worth saying aloud. */
import { Host } from "./bus.js";
import { issuedTable, listenersTable, ownTable } from "./certificates.js";
import { arrange } from "./dom.js";
import { Live } from "./live.js";
import { sessionsTable, who } from "./sessions.js";
import { stateCard } from "./states.js";
import { _, format } from "./text.js";

/* Lists of certificates can be long: the page pauses BREATH times as long as they took. */
const GATHER_MS = 500;
const BREATH = 20;

/* Rows for a table of certificates, and what to say if they could not be had. */
const certificateRows = ({ value = [], reason }) =>
  [value.map(certificate => ({ key: certificate.serial, ...certificate })), reason && cockpit.message(reason)];

export class View {
  /* Of clients and of the host itself, as Promise.allSettled tells them; null until they are known. */
  issued = null;
  own = null;
  #page;
  #pause = 0;
  #busy = false;
  #wanted = false;

  constructor(bus, page) {
    this.#page = page;
    this.host = new Host(bus);
    this.card = stateCard(this.host);
    this.sessions = sessionsTable(this.host);
    this.listeners = listenersTable();
    this.issuedTable = issuedTable(this.host, () => this.#question());
    this.ownTable = ownTable();
    this.live = new Live(this.host, () => this.sessions.shown.map(row => row.key));
    this.host.addEventListener("changed", () => this.#changed());
    this.host.addEventListener("certificates", () => this.refresh());
    this.live.addEventListener("turn", () => this.#page.stale());
    this.live.addEventListener("answer", () => this.#page.stale());
    for (const [type, sentence] of [["entered", _("$0 has connected.")], ["left", _("The session of $0 has ended.")]])
      this.host.addEventListener(type, event => {
        this.#tell(sentence, event.detail);
        this.refresh();
      });
    this.host.addEventListener("turned", event => {
      const { state } = event.detail;
      this.#tell(state === "away" ? _("$0 is away.") : state === "connected" ? _("$0 is back.") : "", event.detail);
    });
  }

  #changed() {
    if (this.host.state !== "running")
      this.issued = this.own = null;
    this.#page.stale();
  }

  #tell(sentence, session) {
    if (sentence !== "")
      this.#page.tell(this, format(sentence, who(session)));
  }

  /* What `revoke` has to know before it asks. */
  #question() {
    const sessions = [...this.host.sessions.values()].map(session =>
      ({ ...session, serial: session.serial ?? this.live.of(session.object).details.serial }));
    return { certificates: this.issued?.value ?? [], sessions };
  }

  /* Asks for the certificates soon; several wishes are one. */
  refresh() {
    this.#wanted = true;
    if (!this.#busy) {
      this.#busy = true;
      window.setTimeout(() => this.#ask(), this.#pause);
    }
  }

  async #ask() {
    const { host } = this;
    const begin = performance.now();

    this.#wanted = false;
    if (!cockpit.hidden && host.state === "running") {
      const [issued, own] = await Promise.allSettled([host.certificates(), host.ownCertificates()]);
      if (host.state === "running") {
        this.issued = issued;
        this.own = own;
      }
      this.#page.stale();
    }
    this.#pause = GATHER_MS + BREATH * (performance.now() - begin);
    this.#busy = false;
    if (this.#wanted)
      this.refresh();
  }

  /* content: the element that the view fills. */
  paint(content) {
    const { host } = this;

    if (host.state !== "running") {
      this.card.paint();
      arrange(content, [this.card.element]);
      return;
    }
    this.sessions.paint([...host.sessions].map(([key, session]) => ({ key, session, ...this.live.of(key) })),
                        host.hidden ? format(_("Who is connected is shown to administrators only: $0"), host.hidden) : undefined);
    this.listeners.paint([...host.listeners.values()].map(listener => ({ key: listener.object, ...listener })));
    if (this.issued !== null) {
      this.issuedTable.paint(...certificateRows(this.issued));
      this.ownTable.paint(...certificateRows(this.own));
    }
    arrange(content, [this.sessions, this.listeners, ...this.issued === null ? [] : [this.issuedTable, this.ownTable]]
      .map(table => table.element));
  }
}
