/* The other tables: sockets the host listens on, certificates of clients, and those the host itself shows and trusts. */
import { confirm } from "./dialog.js";
import { element, setAttribute, setText } from "./dom.js";
import { paintAction, paintState, paintTime, who } from "./sessions.js";
import { Table } from "./table.js";
import { UNKNOWN, _, ago, count, day, format, known, moment, ngettext, now, until } from "./text.js";

const DAY = 86400;

const ROLES = { ca: _("authority"), server: _("server"), client: _("client") };

/* Whether less than a third of its life is left, when it should have been replaced already. */
const endsSoon = (begin, end) => end - now() < (known(begin) ? (end - begin) / 3.5 : DAY);

function certificateState({ issued, not_before: from, expires, not_after: end, revoked }) {
  if (revoked)
    return ["revoked", _("revoked"), moment(revoked)];
  if ((expires ?? end) <= now())
    return ["expired", _("expired"), ""];
  return endsSoon(issued ?? from, expires ?? end) ? ["soon", _("ends soon"), ""] : ["valid", _("valid"), ""];
}

const inForce = ({ expires, revoked }) => !revoked && expires > now();

function paintExpiry(cell, begin, end) {
  paintTime(cell, until(end), end);
  setAttribute(cell, "data-kind", known(end) && end > 0 && endsSoon(begin, end) ? "soon" : "");
}

function paintSerial(cell, serial) {
  if (cell.firstChild === null)
    cell.append(element("code", { className: "serial" }));
  setText(cell.firstChild, serial);
  setAttribute(cell.firstChild, "title", serial);
}

/* The certificate, and those that were issued by way of it and would go with it. */
function following(certificate, all) {
  const gone = new Set([certificate.serial]);

  for (let before = 0; before !== gone.size;) {
    before = gone.size;
    for (const { serial, renews } of all)
      if (gone.has(renews))
        gone.add(serial);
  }
  return all.filter(({ serial, revoked }) => gone.has(serial) && !revoked);
}

/* ask: () → { certificates, sessions }: `sessions` as they are on the bus, each with the serial that it shows, if known. */
async function revoke(host, certificate, table, ask) {
  const { certificates, sessions } = ask();
  const gone = following(certificate, certificates);
  const serials = new Set(gone.map(({ serial }) => serial));
  const hers = sessions.filter(session => serials.has(session.serial));
  const renewals = gone.length - 1;
  const lines = [format(_("Certificate $0, issued $1."), certificate.serial, moment(certificate.issued))];

  if (renewals > 0)
    lines.push(format(ngettext("$0 certificate that was renewed from it is revoked too.",
                               "$0 certificates that were renewed from it are revoked too.", renewals), count(renewals)));
  if (hers.length > 0)
    lines.push(format(ngettext("$0 session ends at once, with the programs in it (from $1).",
                               "$0 sessions end at once, with the programs in them (from $1).", hers.length),
                      count(hers.length), hers.map(({ peer }) => peer).join(", ")));
  else
    lines.push(_("Sessions that use it end at once."));
  lines.push(_("The device must enrol again to come back. This cannot be undone."));
  if (await confirm({
    title: format(_("Revoke the certificate of $0?"), who(certificate)),
    lines,
    action: _("Revoke"),
    perform: () => host.revoke(certificate.serial),
  }))
    table.focus();
}

function seenText({ seen, address }) {
  if (!known(seen))
    return _("never");
  return known(address) ? format(_("$0 from $1"), ago(seen), address) : ago(seen);
}

function paintRevoke(cell, row, table, host, ask) {
  if (!inForce(row)) {
    cell.replaceChildren();
    return;
  }
  paintAction(cell, row, _("Revoke"), `${who(row)}, ${row.serial}`, certificate => revoke(host, certificate, table, ask));
}

export function issuedTable(host, ask) {
  const table = new Table({
    id: "issued",
    title: _("Clients’ certificates"),
    narrow: 60,
    empty: _("No certificate was issued here yet. A client gets one by its first connect."),
    choices: [
      { label: _("In force"), test: inForce },
      { label: _("All"), test: () => true },
    ],
    columns: [
      { id: "user", title: _("User"), text: ({ user }) => user || UNKNOWN, sort: ({ user }) => user ?? "",
        search: ({ user }) => user ?? "" },
      { id: "device", title: _("Device"), text: ({ device }) => device || UNKNOWN, sort: ({ device }) => device ?? "",
        search: ({ device }) => device ?? "" },
      { id: "serial", title: _("Serial"), paint: (cell, { serial }) => paintSerial(cell, serial), search: ({ serial }) => serial },
      { id: "state", title: _("State"), paint: (cell, row) => paintState(cell, ...certificateState(row)),
        sort: row => certificateState(row)[1] },
      { id: "issued", title: _("Issued"), paint: (cell, { issued }) => paintTime(cell, day(issued), issued),
        sort: ({ issued }) => -issued },
      { id: "expires", title: _("Expires"), paint: (cell, { issued, expires }) => paintExpiry(cell, issued, expires),
        sort: ({ expires }) => expires },
      { id: "seen", title: _("Last seen"), text: seenText,
        sort: ({ seen }) => -(seen ?? 0), search: ({ address }) => address ?? "" },
      { id: "action", title: _("Actions"), silent: true, end: true, paint: (cell, row) => paintRevoke(cell, row, table, host, ask) },
    ],
  });
  return table;
}

export const ownTable = () => new Table({
  id: "own",
  title: _("The host’s certificates"),
  narrow: 50,
  empty: _("The host has no certificate of its own."),
  columns: [
    { id: "role", title: _("Role"), text: ({ role }) => ROLES[role] ?? role },
    { id: "names", title: _("Names"), text: ({ name, names }) =>
      (names?.length ? names : [name]).filter(known).join(", ") || UNKNOWN },
    { id: "serial", title: _("Serial"), paint: (cell, { serial }) => paintSerial(cell, serial) },
    { id: "state", title: _("State"), paint: (cell, row) =>
      paintState(cell, ...(row.problem ? ["soon", row.problem] : certificateState(row))) },
    { id: "issued", title: _("Issued"), paint: (cell, row) =>
      paintTime(cell, day(row.not_before), row.not_before) },
    { id: "expires", title: _("Expires"), paint: (cell, row) => paintExpiry(cell, row.not_before, row.not_after) },
  ],
});

export const listenersTable = () => new Table({
  id: "listeners",
  title: _("Listeners"),
  narrow: 40,
  empty: _("The host listens nowhere: its configuration has no quic_servers."),
  columns: [
    { id: "address", title: _("Address"), text: ({ address }) => address },
    { id: "bind", title: _("Configured as"), text: ({ bind_address: bind }) => bind || UNKNOWN },
    { id: "connections", title: _("Connections"), text: ({ connections }) => count(connections) },
    { id: "expires", title: _("Certificate expires"), paint: (cell, row) => paintExpiry(cell, undefined, row.certificate_expires) },
  ],
});
