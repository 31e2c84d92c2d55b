/* The table of sessions: who, from where, how well, since when; and how to end one. A row is { key, session, details, samples }:
 * `session` has the properties on the bus, `details` what Describe added to them last. */
import { confirm } from "./dialog.js";
import { element, setAttribute, setText } from "./dom.js";
import { Plot } from "./plot.js";
import { Table } from "./table.js";
import { UNKNOWN, _, ago, count, format, known, moment, ngettext, now, rtt, size, span } from "./text.js";

const STATES = {
  connecting: _("connecting"),
  connected: _("connected"),
  away: _("away"),
  closed: _("closed"),
};

/* What was told last of it: by Describe of what is on the screen, else by the properties on the bus. */
const fact = ({ session, details }, key) => details[key] ?? session[key];

const stateName = session => STATES[session.state] ?? session.state;

const isAway = ({ session }) => session.state === "away";

/* "alice on laptop", for questions and news. */
export const who = ({ user, device }) => !known(user) ? _("somebody") : known(device) ? format(_("$0 on $1"), user, device) : user;

function pathText(row) {
  const peer = row.session.peer || UNKNOWN;
  const name = fact(row, "target");

  if (row.session.direction !== "out")
    return format(_("from $0"), peer);
  const target = known(name) && name !== peer ? `${name} (${peer})` : peer;
  return fact(row, "path") === "ssh" ? format(_("to $0 over ssh"), target) : format(_("to $0"), target);
}

/* A dot that says at a glance what the words say. */
export function paintState(cell, kind, text, title = "") {
  if (cell.firstChild === null)
    cell.append(element("span", { className: "dot" }), element("span"));
  setAttribute(cell, "data-kind", kind);
  setText(cell.lastChild, text);
  setAttribute(cell.lastChild, "title", title);
}

function paintSessionState(cell, row) {
  const { session } = row;
  const since = fact(row, "away_since");

  if (isAway(row) && known(since) && since > 0)
    paintState(cell, "away", format(_("away $0"), span(now() - since)), format(_("away since $0"), moment(since)));
  else
    paintState(cell, session.state, stateName(session));
}

function paintPlot(cell, kind, least, values, number, label) {
  if (!cell.plot) {
    cell.plot = new Plot(kind, least);
    cell.append(element("span", { className: "measure" }, cell.plot.element, element("span", { className: "number" })));
  }
  cell.plot.draw(values, label);
  setAttribute(cell.firstChild, "title", label);
  setText(cell.firstChild.lastChild, number);
}

function paintRtt(cell, row) {
  const values = row.samples.map(sample => sample?.rtt ?? null);
  const there = values.filter(value => value !== null);
  const label = there.length === 0 ? _("Round-trip time: not known yet")
    : format(_("Round-trip time in the last minute: $0 to $1"), rtt(Math.min(...there)), rtt(Math.max(...there)));

  paintPlot(cell, "line", 5, values, row.session.state === "connected" ? rtt(fact(row, "rtt")) : UNKNOWN, label);
}

function paintLost(cell, row) {
  const values = row.samples.map(sample => sample?.lost ?? null);
  const lost = values.reduce((sum, value) => sum + (value ?? 0), 0);
  const label = format(ngettext("$0 packet lost in the last minute", "$0 packets lost in the last minute", lost), count(lost));

  paintPlot(cell, "bars", 3, values, count(fact(row, "lost")), label);
}

/* @text for a Unix @time, which is there in full for who points at it. */
export function paintTime(cell, text, time) {
  if (cell.firstChild === null)
    cell.append(element("time"));
  setText(cell.firstChild, text);
  setAttribute(cell.firstChild, "title", moment(time));
  if (known(time) && time > 0)
    setAttribute(cell.firstChild, "datetime", new Date(time * 1000).toISOString());
}

/* A button of a row. Its name says which row it is about; `perform (row)` is given the row as it is when it is pressed. */
export function paintAction(cell, row, label, name, perform) {
  if (!cell.firstChild) {
    const button = element("button", { type: "button", className: "button quiet", textContent: label });
    button.addEventListener("click", () => perform(cell.row));
    cell.append(button);
  }
  cell.row = row;
  setAttribute(cell.firstChild, "aria-label", `${label}: ${name}`);
}

async function disconnect(host, { key, session }, table) {
  const lines = [
    session.direction === "out"
      ? _("The host says goodbye to the other machine and does not dial it again.")
      : _("The host says goodbye to the client, which does not dial again by itself."),
    _("Its channels are closed, and programs that run in them end. Nothing waits for it to come back."),
  ];
  const done = await confirm({
    title: format(_("Disconnect $0?"), who(session)),
    lines: [pathText({ session, details: {} }), ...lines],
    action: _("Disconnect"),
    perform: () => host.disconnect(key),
  });

  if (done)
    table.focus();
}

function details(row) {
  const { session } = row;
  const services = (row.details.channels ?? []).map(channel => channel.service || channel.name || "?");

  return [
    [_("Session"), session.id],
    [_("Channels"), services.length > 0 ? services.join(", ") : count(session.channels)],
    [_("Received"), size(fact(row, "bytes_in"))],
    [_("Sent"), size(fact(row, "bytes_out"))],
    [_("Address here"), fact(row, "local") || UNKNOWN],
    [_("Changes of path"), count(fact(row, "migrations"))],
    [_("Times away"), count(fact(row, "aways"))],
    [_("Program"), fact(row, "agent") || UNKNOWN],
    [_("Certificate"), fact(row, "serial") || UNKNOWN],
    ...known(row.details.error) ? [[_("Problem"), row.details.error]] : [],
  ];
}

export function sessionsTable(host) {
  const table = new Table({
    id: "sessions",
    title: _("Sessions"),
    narrow: 60,
    empty: _("Nobody is connected. Sessions appear here as they begin."),
    details,
    choices: [
      { label: _("All"), test: () => true },
      { label: _("Connected"), test: ({ session }) => session.state === "connected" },
      { label: _("Away"), test: isAway },
    ],
    columns: [
      { id: "user", title: _("User"), text: ({ session }) => session.user || UNKNOWN,
        sort: ({ session }) => session.user ?? "", search: ({ session }) => session.user ?? "" },
      { id: "device", title: _("Device"), text: ({ session }) => session.device || UNKNOWN,
        sort: ({ session }) => session.device ?? "", search: ({ session }) => session.device ?? "" },
      { id: "state", title: _("State"), paint: paintSessionState,
        sort: ({ session }) => session.state, search: ({ session }) => stateName(session) },
      { id: "path", title: _("Path"), text: pathText, search: ({ session }) => `${session.peer ?? ""} ${session.id}` },
      { id: "since", title: _("Since"), paint: (cell, { session }) => paintTime(cell, ago(session.since), session.since),
        sort: ({ session }) => -(session.since ?? 0) },
      { id: "rtt", title: _("Round trip"), paint: paintRtt },
      { id: "lost", title: _("Packets lost"), paint: paintLost },
      { id: "action", title: _("Actions"), silent: true, end: true,
        paint: (cell, row) => paintAction(cell, row, _("Disconnect"), who(row.session), now => disconnect(host, now, table)) },
    ],
  });
  return table;
}
