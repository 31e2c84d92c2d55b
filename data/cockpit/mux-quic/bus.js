/* One host of mux-quic, as its bus shows it: the one of the person's own session, or the one of the system.
 *
 * A Host watches for the name, without starting what owns it, and keeps `manager`, `listeners` and `sessions` (by object path)
 * up to date by the signals of the ObjectManager and of the properties. Keys are those of Describe (CertificateExpires is
 * certificate_expires), and `object` is the object path. It dispatches "changed" when anything did, "entered" and "left" (detail: the session) as sessions come
 * and go, "turned" when one changed its state, and "certificates" when the list of them is out of date.
 *
 * hidden: why sessions are not shown to this person, "" when they are.
 * state: "looking", "absent" (no host runs), "running", "denied" (it does not speak with this person) or "unreachable" (no
 * bus, see `problem`; it tries again by itself). */
import { busAddress } from "./address.js";

const NAME = "org.muxquic.Quic1";
const ROOT = "/org/muxquic/Quic1";
const MANAGER = `${ROOT}/Manager`;
const DAEMON = "org.freedesktop.DBus";
const DAEMON_PATH = "/org/freedesktop/DBus";
const PROPERTIES = "org.freedesktop.DBus.Properties";
const OBJECTS = "org.freedesktop.DBus.ObjectManager";
const NOBODY = "org.freedesktop.DBus.Error.NameHasNoOwner";
const DENIED = ["org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.AuthFailed", "access-denied"];
/* Sessions listed at once. */
const PAGE = 128;
const SHORTEST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;

/* A D-Bus value without the variants around and in it. */
export function plain(value) {
  if (Array.isArray(value))
    return value.map(plain);
  if (value === null || typeof value !== "object")
    return value;
  if (typeof value.t === "string" && "v" in value && Object.keys(value).length === 2)
    return plain(value.v);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

const snake = name => name.replace(/(?<!^)([A-Z])/g, "_$1").toLowerCase();

const described = properties =>
  Object.fromEntries(Object.entries(properties).map(([name, value]) => [snake(name), plain(value)]));

export class Host extends EventTarget {
  #options = null;
  #attempt = 0;
  #watcher = null;
  #client = null;
  #pause = SHORTEST_PAUSE_MS;
  #timer = 0;

  constructor(bus) {
    super();
    this.bus = bus;
    this.#forget();
    this.state = "looking";
    this.problem = "";
    this.#watch();
  }

  /* Looks for the host again, at once. */
  retry() {
    const watcher = this.#watcher;

    this.#watcher = null;
    this.#pause = SHORTEST_PAUSE_MS;
    window.clearTimeout(this.#timer);
    this.#close();
    watcher?.close();
    this.#turn("looking");
    this.#watch();
  }

  async call(path, kind, method, ...args) {
    if (this.#client === null)
      throw new Error("no host");
    return plain(await this.#client.call(path, `${NAME}.${kind}`, method, args, { type: "s".repeat(args.length) }));
  }

  async describe(path) {
    const [details] = await this.call(path, "Session", "Describe");
    return details;
  }

  disconnect(path) {
    return this.call(path, "Session", "Disconnect");
  }

  revoke(serial) {
    return this.call(MANAGER, "Manager", "Revoke", serial);
  }

  /* Those issued here, the latest first. */
  async certificates() {
    const [list] = await this.call(MANAGER, "Manager", "ListCertificates");
    return list;
  }

  /* Those that the host itself shows and trusts. */
  async ownCertificates() {
    const [status] = await this.call(MANAGER, "Manager", "Describe");
    return status.certificates ?? [];
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #forget() {
    this.manager = null;
    this.listeners = new Map();
    this.sessions = new Map();
    this.hidden = "";
  }

  #turn(state, problem = "") {
    this.state = state;
    this.problem = problem;
    if (state === "running")
      this.#pause = SHORTEST_PAUSE_MS;
    this.#tell("changed");
  }

  /* The bus itself: is the name there? */
  async #watch() {
    const attempt = ++this.#attempt;
    const superuser = this.bus === "system" ? { superuser: "try" } : {};

    try {
      const address = await busAddress(this.bus);

      if (attempt !== this.#attempt)
        return;
      this.#options = { bus: "none", address, ...superuser };
    } catch (error) {
      if (attempt === this.#attempt)
        this.#lose(cockpit.message(error));
      return;
    }
    this.#watchName(cockpit.dbus(DAEMON, this.#options));
  }

  #watchName(watcher) {
    this.#watcher = watcher;
    watcher.addEventListener("close", (event, { problem, message } = {}) => {
      if (this.#watcher === watcher)
        this.#lose(message || cockpit.message(problem || "disconnected"));
    });
    watcher.subscribe({ path: DAEMON_PATH, interface: DAEMON, member: "NameOwnerChanged", arg0: NAME },
      (path, iface, signal, [,, after]) => {
        /* Another owner is another host. */
        this.#close();
        if (after)
          this.#open(after);
        else
          this.#turn("absent");
      });
    watcher.call(DAEMON_PATH, DAEMON, "GetNameOwner", [NAME], { type: "s" }).then(([owner]) => {
      if (this.#client === null)
        this.#open(owner);
    }, error => {
      if (error.name === NOBODY)
        this.#turn("absent");
      else
        watcher.close();
    });
  }

  /* There is no bus, or no longer. */
  #lose(problem) {
    this.#watcher = null;
    this.#close();
    this.#turn("unreachable", problem);
    this.#timer = window.setTimeout(() => this.#watch(), this.#pause);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
  }

  #close() {
    const client = this.#client;

    this.#client = null;
    client?.close();
    this.#forget();
  }

  /* The host is spoken with by its unique name: a call by the other one would start a host that was stopped just now. */
  #open(owner) {
    const client = cockpit.dbus(owner, this.#options);

    this.#client = client;
    client.subscribe({ path_namespace: ROOT }, (path, iface, signal, args) => {
      if (this.#client === client)
        this.#heard(path, `${iface}.${signal}`, args);
    });
    client.call(ROOT, OBJECTS, "GetManagedObjects", [], { type: "" }).then(([objects]) => {
      if (this.#client !== client)
        return;
      this.#forget();
      for (const [path, interfaces] of Object.entries(objects))
        this.#put(path, interfaces, false);
      this.#turn("running");
      this.#tell("certificates");
      this.#listRest(client);
    }, error => {
      if (this.#client !== client)
        return;
      this.#close();
      this.#turn(DENIED.includes(error.name ?? error.problem) ? "denied" : "absent", cockpit.message(error));
    });
  }

  /* Of very many sessions the objects are only the first ones; the rest is listed in pages. */
  async #listRest(client) {
    let after = 0;

    try {
      do {
        if (!(this.manager?.sessions > this.sessions.size))
          return;
        const reply = await client.call(MANAGER, `${NAME}.Manager`, "ListSessions", [after, PAGE], { type: "tu" });
        if (this.#client !== client)
          return;
        const [sessions, next] = plain(reply);
        sessions.forEach(session => this.#list(session));
        this.#tell("changed");
        after = next;
      } while (after !== 0);
    } catch (error) {
      if (this.#client === client) {
        this.hidden = cockpit.message(error);
        this.#tell("changed");
      }
    }
  }

  /* Both ends of a session have the same id; the second that came has a path of its own. */
  #list(session) {
    const first = `${ROOT}/Session/${session.id}`;
    const taken = this.sessions.get(first);
    const path = taken && taken.direction !== session.direction ? `${first}_1` : first;

    if (!this.sessions.has(path))
      this.sessions.set(path, { object: path, ...session });
  }

  #heard(path, signal, args) {
    switch (signal) {
      case `${OBJECTS}.InterfacesAdded`:
        this.#put(args[0], args[1], this.state === "running");
        break;
      case `${OBJECTS}.InterfacesRemoved`:
        this.#remove(args[0]);
        break;
      case `${PROPERTIES}.PropertiesChanged`:
        this.#change(path, args[0], args[1]);
        break;
      default:
        if (path === MANAGER)
          this.#tell("certificates");
        return;
    }
    if (this.state === "running")
      this.#tell("changed");
  }

  #put(path, interfaces, isNews) {
    for (const [iface, properties] of Object.entries(interfaces)) {
      const values = described(properties);

      if (iface === `${NAME}.Manager`)
        this.manager = values;
      else if (iface === `${NAME}.Listener`)
        this.listeners.set(path, { object: path, ...values });
      else if (iface === `${NAME}.Session`) {
        this.sessions.set(path, { object: path, ...values });
        if (isNews)
          this.#tell("entered", this.sessions.get(path));
      }
    }
  }

  #remove(path) {
    const session = this.sessions.get(path);

    this.listeners.delete(path);
    if (this.sessions.delete(path))
      this.#tell("left", session);
  }

  #change(path, iface, properties) {
    const object = path === MANAGER ? this.manager : this.sessions.get(path) ?? this.listeners.get(path);
    const before = object?.state;

    if (!object || !iface.startsWith(`${NAME}.`))
      return;
    Object.assign(object, described(properties));
    if (this.sessions.has(path) && object.state !== before)
      this.#tell("turned", object);
    if (properties.CertificateExpires)
      this.#tell("certificates");
  }
}
