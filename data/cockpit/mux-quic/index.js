/* The page: two hosts, the person's own and the system's, of which one is looked at. Signals of the bus mark the page as stale, and
 * it is painted some time after, at most four times a second, and not while nobody can see it. */
import { Host } from "./bus.js";
import { issuedTable, listenersTable, ownTable } from "./certificates.js";
import { arrange, element, setAttribute, setText } from "./dom.js";
import { Live } from "./live.js";
import { News } from "./news.js";
import { sessionsTable, who } from "./sessions.js";
import { stateCard } from "./states.js";
import { _, ago, format } from "./text.js";

const PAINT_MS = 250;
/* The list of certificates has no signal for each of its changes: when somebody was seen last, for one. */
const CERTIFICATES_MS = 60000;
const GATHER_MS = 500;

const KINDS = [["session", _("Your host")], ["system", _("System host")]];

const news = new News(document.getElementById("news"));
const content = document.getElementById("content");

class View {
  issued = [];
  own = [];
  #due = 0;
  #asking = false;

  constructor(bus) {
    this.host = new Host(bus);
    this.card = stateCard(this.host);
    this.sessions = sessionsTable(this.host);
    this.listeners = listenersTable();
    this.issuedTable = issuedTable(this.host, () => this.#question());
    this.ownTable = ownTable();
    this.live = new Live(this.host, () => this.sessions.shown.map(row => row.key));
    this.host.addEventListener("changed", () => page.stale());
    this.host.addEventListener("certificates", () => this.refresh());
    this.live.addEventListener("turn", () => page.stale());
    this.live.addEventListener("answer", () => page.stale());
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

  #tell(sentence, session) {
    if (page.view === this && sentence !== "")
      news.tell(format(sentence, who(session)));
  }

  /* What `revoke` has to know before it asks. */
  #question() {
    const sessions = [...this.host.sessions.values()].map(session =>
      ({ ...session, serial: session.serial ?? this.live.of(session.path).details.serial }));
    return { certificates: this.issued, sessions };
  }

  /* Asks for the certificates soon; several wishes are one. */
  refresh() {
    this.#due ||= window.setTimeout(async () => {
      this.#due = 0;
      if (this.#asking || cockpit.hidden || this.host.state !== "running") {
        if (this.#asking)
          this.refresh();
        return;
      }
      this.#asking = true;
      /* A host whose clients' certificates come from elsewhere has no list of them. */
      const [issued, own] = await Promise.allSettled([this.host.certificates(), this.host.ownCertificates()]);
      this.#asking = false;
      this.issued = (issued.value ?? []).map(certificate => ({ key: certificate.serial, ...certificate }));
      this.own = (own.value ?? []).map(certificate => ({ key: certificate.serial, ...certificate }));
      page.stale();
    }, GATHER_MS);
  }

  paint() {
    const { host } = this;

    if (host.state !== "running") {
      this.card.paint();
      arrange(content, [this.card.element]);
      return;
    }
    this.sessions.paint([...host.sessions].map(([key, session]) => ({ key, session, ...this.live.of(key) })));
    this.listeners.paint([...host.listeners.values()].map(listener => ({ key: listener.path, ...listener })));
    this.issuedTable.paint(this.issued);
    this.ownTable.paint(this.own);
    arrange(content, [this.sessions, this.listeners, this.issuedTable, this.ownTable].map(table => table.element));
  }
}

class Page {
  #timer = 0;
  #choices = new Map();

  constructor() {
    this.fact = element("p", { className: "fact" });
    this.choice = element("div", { "className": "choice", "role": "group", "aria-label": _("Host") });
    document.getElementById("masthead").append(
      element("div", {}, element("h1", { textContent: _("QUIC transport") }), this.fact), this.choice);
  }

  start() {
    this.views = new Map(KINDS.map(([bus]) => [bus, new View(bus)]));
    for (const [bus, label] of KINDS) {
      const button = element("button", { type: "button", textContent: label });
      button.addEventListener("click", () => cockpit.location.go([bus]));
      this.#choices.set(bus, button);
      this.choice.append(button);
    }
    cockpit.addEventListener("locationchanged", () => this.stale());
    cockpit.addEventListener("visibilitychange", () => this.seen());
    window.setInterval(() => this.view.refresh(), CERTIFICATES_MS);
    this.paint();
  }

  seen() {
    this.view.refresh();
    this.stale();
  }

  /* Who came to no host in particular is shown the one that runs, the own one first. */
  get view() {
    const [own, system] = this.views.values();
    const wanted = this.views.get(cockpit.location.path[0]);

    return wanted ?? (own.host.state !== "running" && system.host.state === "running" ? system : own);
  }

  stale() {
    if (!cockpit.hidden)
      this.#timer ||= window.setTimeout(() => this.paint(), PAINT_MS);
  }

  paint() {
    const { view } = this;
    const { manager, state } = view.host;

    this.#timer = 0;
    for (const [bus, button] of this.#choices) {
      setAttribute(button, "aria-pressed", String(this.views.get(bus) === view));
      setAttribute(button, "data-state", this.views.get(bus).host.state);
    }
    for (const other of this.views.values())
      other.live.run(other === view);
    setText(this.fact, state !== "running" || manager === null ? "\u00a0" : [
      format(_("Version $0"), manager.version),
      format(_("started $0"), ago(manager.started)),
      manager.config_path || _("no configuration file"),
    ].join(" · "));
    view.paint();
    setAttribute(content, "aria-busy", String(state === "looking"));
  }
}

/* Its pages are loaded again when a person gets or gives up administrative rights. */
cockpit.permission({ admin: true });
const page = new Page();
page.start();
