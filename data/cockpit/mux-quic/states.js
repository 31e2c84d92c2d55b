/* What stands in place of the tables while there is no host to look at, and what a person can do about it. */
import { element, setText } from "./dom.js";
import { _, format } from "./text.js";

const START = { session: "systemctl --user enable --now mux-quic", system: "systemctl enable --now mux-quic" };
const SERVE = { session: "mux-quic serve", system: "mux-quic serve --system" };

const STORIES = {
  looking: () => ({ title: _("Looking for the host…"), text: "" }),
  absent: ({ bus }) => ({
    title: bus === "system" ? _("No host of the system is running") : _("No host is running in your session"),
    text: bus === "system"
      ? _("Start it as root, now and at every boot. This page shows it as soon as it runs.")
      : _("Start it, now and at every login. This page shows it as soon as it runs."),
    command: START[bus],
    also: format(_("Without systemd: $0"), SERVE[bus]),
  }),
  denied: () => ({
    title: _("Administrative access is needed"),
    text: _("The host of the system shows itself only to administrators. Turn on administrative access in Cockpit’s bar at the top."),
    retry: true,
  }),
  unreachable: ({ bus, problem }) => ({
    title: bus === "system" ? _("The system bus cannot be reached") : _("Your session bus cannot be reached"),
    text: format(_("$0. The page tries again by itself; a host without a bus is shown by the command mux-quic status."), problem.replace(/\.$/, "")),
    retry: true,
  }),
};

export function stateCard(host) {
  const title = element("h2");
  const text = element("p");
  const command = element("code", { className: "command" });
  const also = element("p", { className: "aside" });
  const retry = element("button", { type: "button", className: "button", textContent: _("Try again") });
  const node = element("section", { className: "card state" }, title, text, command, also, retry);

  retry.addEventListener("click", () => host.retry());
  return {
    element: node,
    paint() {
      const story = STORIES[host.state](host);

      setText(title, story.title);
      setText(text, story.text);
      setText(command, story.command ?? "");
      command.hidden = !story.command;
      setText(also, story.also ?? "");
      also.hidden = !story.also;
      retry.hidden = !story.retry;
    },
  };
}
