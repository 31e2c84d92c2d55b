/* The page: two hosts, the person's own and the system's, of which one is looked at. Signals of the bus mark the page as stale, and
 * it is painted some time after, at most four times a second, and not while nobody can see it. */
import { element, setAttribute, setText } from "./dom.js";
import { News } from "./news.js";
import { _, ago, format } from "./text.js";
import { View } from "./view.js";

const PAINT_MS = 250;
/* The list of certificates has no signal for each of its changes: when somebody was seen last, for one. */
const CERTIFICATES_MS = 60000;

const KINDS = [["session", _("Your host")], ["system", _("System host")]];

const news = new News(document.getElementById("news"));
const content = document.getElementById("content");

class Page {
  #timer = 0;
  #choices = new Map();

  constructor() {
    this.fact = element("p", { className: "fact" });
    this.choice = element("div", { "className": "choice", "role": "group", "aria-label": _("Host") });
    document.getElementById("masthead").append(
      element("div", {}, element("h1", { textContent: _("QUIC transport") }), this.fact), this.choice);
    this.views = new Map(KINDS.map(([bus]) => [bus, new View(bus, this)]));
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

  tell(view, sentence) {
    if (view === this.view)
      news.tell(sentence);
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
      const running = this.views.get(bus).host.state === "running";

      setAttribute(button, "aria-pressed", String(this.views.get(bus) === view));
      setAttribute(button, "data-running", String(running));
      setAttribute(button, "title", running ? _("running") : _("not running"));
    }
    for (const other of this.views.values())
      other.live.run(other === view);
    setText(this.fact, state !== "running" || manager === null ? "\u00a0" : [
      format(_("Version $0"), manager.version),
      format(_("started $0"), ago(manager.started)),
      manager.config_path || _("no configuration file"),
    ].join(" · "));
    view.paint(content);
    setAttribute(content, "aria-busy", String(state === "looking"));
  }
}

/* Its pages are loaded again when a person gets or gives up administrative rights. */
cockpit.permission({ admin: true });
new Page();
