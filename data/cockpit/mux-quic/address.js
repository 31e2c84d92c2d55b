/* Where a bus is. The address is asked of Cockpit's bridge, whose environment is the person's, and each channel then makes a
 * connection of its own: the one that the bridge shares stays broken when a bus was not there at first, and a bridge written in
 * Python ends itself, and the person's Cockpit with it, when it is asked for that one again. */
import { _ } from "./text.js";

const SYSTEM = "unix:path=/var/run/dbus/system_bus_socket";

async function environment() {
  const bridge = cockpit.dbus(null, { bus: "internal" });

  try {
    const [{ v: variables }] = await bridge.call("/environment", "org.freedesktop.DBus.Properties", "Get",
                                                 ["cockpit.Environment", "Variables"], { type: "ss" });
    return variables;
  } finally {
    bridge.close();
  }
}

/* Of the bus "session" or "system"; rejects when there is none. */
export async function busAddress(bus) {
  const variables = await environment();

  if (bus === "system")
    return variables.DBUS_SYSTEM_BUS_ADDRESS || SYSTEM;
  if (variables.DBUS_SESSION_BUS_ADDRESS)
    return variables.DBUS_SESSION_BUS_ADDRESS;
  if (variables.XDG_RUNTIME_DIR)
    return `unix:path=${encodeURI(variables.XDG_RUNTIME_DIR)}/bus`;
  throw new Error(_("There is no session bus for this login"));
}
